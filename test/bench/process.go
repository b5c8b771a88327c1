package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit in which Linux counts the CPU time of a process for others to read.
const tick = 10 * time.Millisecond

// usage is what a process has used.
type usage struct {
	// CPU is the time on all cores, in the kernel too.
	CPU time.Duration
	// Resident is the memory in use, in bytes.
	Resident int64
}

// process finds one that a cluster has started, by its name.
type process struct{ pid string }

func findProcess(dir, name string) (process, error) {
	pid, err := os.ReadFile(filepath.Join(dir, "processes", name))
	if err != nil {
		return process{}, fmt.Errorf("find %s: %w", name, err)
	}
	return process{strings.TrimSpace(string(pid))}, nil
}

// itself is this process, which sends.
func itself() process { return process{strconv.Itoa(os.Getpid())} }

// usage reads it from /proc.
func (p process) usage() (usage, error) {
	stat, err := os.ReadFile("/proc/" + p.pid + "/stat")
	if err != nil {
		return usage{}, err
	}
	// The second field is a name in brackets, which may have spaces in it.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	var numbers [3]int64
	for i, field := range []int{11, 12, 21} { // utime, stime, rss
		if numbers[i], err = strconv.ParseInt(fields[field], 10, 64); err != nil {
			return usage{}, fmt.Errorf("read /proc/%s/stat: %w", p.pid, err)
		}
	}
	return usage{CPU: time.Duration(numbers[0]+numbers[1]) * tick, Resident: numbers[2] * int64(os.Getpagesize())}, nil
}
