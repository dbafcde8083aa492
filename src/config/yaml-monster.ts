import { CST, Lexer } from "yaml";

/** Most words and signs in one file; a real one has under 10,000. The parser takes half a minute over a million. */
const MOST_PIECES = 50_000;
/** Most brackets open at once, and most indicators (`-` `?` `:`) or leading spaces on one line. */
const MOST_OPEN = 32;
const MOST_INDICATORS = 100;
const MOST_INDENT = 100;

/**
 * Why a text must not reach the YAML parser, undefined when it may. The parser recurses and runs regular expressions: with
 * a few thousand levels its stack ends inside one of them, which kills the whole process and cannot be caught. The lexer
 * neither recurses nor slows down, so it goes first.
 */
export function findMonster(text: string): { readonly line: number; readonly why: string } | undefined {
  let line = 1;
  let pieces = 0;
  let open = 0;
  let indicators = 0;
  let fresh = true;
  let inScalar = false;
  for (const piece of new Lexer().lex(text)) {
    if (++pieces > MOST_PIECES) return { line: 1, why: `more than ${MOST_PIECES} words and signs in one file` };
    // What follows the mark of a scalar is its text, whatever it looks like.
    switch (inScalar ? undefined : CST.tokenType(piece)) {
      case "scalar":
        inScalar = true;
        continue;
      case "newline":
        line++;
        indicators = 0;
        fresh = true;
        continue;
      case "space":
        if (fresh && piece.length > MOST_INDENT) return { line, why: `more than ${MOST_INDENT} spaces before a key` };
        break;
      case "flow-map-start":
      case "flow-seq-start":
        if (++open > MOST_OPEN) return { line, why: `more than ${MOST_OPEN} brackets open at once` };
        break;
      case "flow-map-end":
      case "flow-seq-end":
        open = Math.max(0, open - 1);
        break;
      case "seq-item-ind":
      case "explicit-key-ind":
      case "map-value-ind":
        if (++indicators > MOST_INDICATORS) return { line, why: `more than ${MOST_INDICATORS} of - ? : on one line` };
        break;
      default:
        // The text of a value may go over several lines; its signs do not count.
        for (let at = piece.indexOf("\n"); at >= 0; at = piece.indexOf("\n", at + 1)) line++;
    }
    fresh = false;
    inScalar = false;
  }
  return undefined;
}
