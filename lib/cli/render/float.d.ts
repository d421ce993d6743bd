/**
 * REAL values as the sqlite3 shell prints them: `%!.15g` where a text is shown, `%!.20g` where it has to
 * be read back.
 *
 * The digits are those of C's `long double` of 64 bits, in which SQLite's printf works up to version 3.42:
 * same bytes need the same steps, rounded in the same way.
 */
/** A REAL as a text is made of it. */
export declare const realText: (value: number) => string;
/** A REAL that is read back as the same number; `infinity` is what stands for one. */
export declare const realExact: (value: number, infinity: string) => string;
