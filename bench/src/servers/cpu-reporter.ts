/** In a server process: answers each message of the benchmark by the CPU time used so far, of all threads, in microseconds. */
export function reportCpu(): void {
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuMicros: user + system });
  });
}
