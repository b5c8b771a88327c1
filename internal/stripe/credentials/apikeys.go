package credentials

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// ErrNoKey means that an API key is missing.
var ErrNoKey = errors.New("no API key: put a restricted key (rk_…) there, made in Stripe under Developers > API keys")

// ParseAPIKeys reads the keys of Stripe's API, separated by commas or white space. There are several during a rotation.
// Each key is named by its position, from 1. A repeated key counts once. All keys must be of one mode. The error says
// what to do and never holds a key.
func ParseAPIKeys(text string) ([]NamedSecret, error) {
	fields := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	if len(fields) == 0 {
		return nil, ErrNoKey
	}
	var keys []NamedSecret
	for i, field := range fields {
		key, err := ParseAPIKey(field)
		if err != nil {
			return nil, fmt.Errorf("API key %d of %d %w", i+1, len(fields), err)
		}
		if len(keys) > 0 && LiveKey(key) != LiveKey(keys[0].Secret) {
			return nil, fmt.Errorf("API key %d of %d is of %s mode, and the first is not: put keys of one mode there", i+1, len(fields), v1alpha1.Mode(LiveKey(key)))
		}
		if !slices.ContainsFunc(keys, func(k NamedSecret) bool { return k.Secret == key }) {
			keys = append(keys, NamedSecret{Name: strconv.Itoa(len(keys) + 1), Secret: key})
		}
	}
	return keys, nil
}
