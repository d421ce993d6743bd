/** SQL text in pieces, as far as is needed to see what it is about and where values stand in it. */
/** A piece of SQL text. */
export interface Token {
    readonly kind: 'word' | 'name' | 'literal' | 'parameter' | 'comment' | 'space' | 'mark';
    readonly text: string;
}
/** The pieces of a text: together they are the text. */
export declare function tokensOf(sql: string): Generator<Token>;
