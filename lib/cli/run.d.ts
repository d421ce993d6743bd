/** Runs one command line. */
/** Runs a command line to its end; gives the exit code. */
export declare function run(argv: readonly string[]): Promise<number>;
