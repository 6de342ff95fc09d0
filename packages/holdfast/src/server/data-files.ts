/** The node's own files in its data directory, besides what the node stores. */
export const configFileName = "config.yaml";
export const processIdFileName = "pid";
