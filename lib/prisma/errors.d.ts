/** Errors as Prisma names them. */
/** The error to throw for one of ours: Prisma's, or the same one if Prisma has no word for it. */
export declare function mapped(error: unknown): unknown;
