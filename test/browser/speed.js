// Makes time pass faster in a page: its timers, and the clocks by which it measures them.
(() => {
  const speed = SPEED;
  const { setTimeout, setInterval } = window;
  window.setTimeout = (act, wait = 0, ...args) => setTimeout(act, wait / speed, ...args);
  window.setInterval = (act, wait = 0, ...args) => setInterval(act, wait / speed, ...args);
  for (const clock of [Date, performance]) {
    const now = clock.now.bind(clock);
    const start = now();
    clock.now = () => start + (now() - start) * speed;
  }
})();
