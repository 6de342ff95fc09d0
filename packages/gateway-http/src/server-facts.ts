/** About the process that serves, which the node itself cannot know. */
export interface ServerFacts {
  readonly version: string;
  readonly nodeVersion: string;
  /** Threads for disk work (UV_THREADPOOL_SIZE). */
  readonly threadPoolSize: number;
  /** Undefined where the system does not tell. */
  readonly openFilesMax: number | undefined;
}
