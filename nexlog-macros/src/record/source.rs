//! Tokens as the user would write them, for the remedies in error texts: `v[0]`, `&v`, `f(x)?`.
//!
//! `TokenStream::to_string` puts a space between any two tokens whose distance it does not know
//! (`v [0]`, `& v`), and a span gives its text only token by token. So the spaces are chosen
//! here, by the rules of rustfmt as far as tokens tell: what looks odd at worst is still the
//! same code.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

use super::code::is_keyword;

/// A longer source would hide the remedy that it stands in.
const LONGEST_CHARS: usize = 60;

/// The operators of several characters. What is left of each without its last character is one
/// as well.
const OPERATORS: [&str; 22] = [
    "::", "..", "..=", "...", "->", "=>", "==", "!=", "<=", ">=", "&&", "||", "<<", ">>", "+=",
    "-=", "*=", "/=", "%=", "^=", "<<=", ">>=",
];

/// The source of an expression; `…` when it is long.
pub fn source(tokens: &TokenStream) -> String {
    let text = print(tokens.clone());
    if text.chars().count() > LONGEST_CHARS { "…".to_owned() } else { text }
}

fn print(tokens: TokenStream) -> String {
    let mut printer = Printer::default();
    let mut trees = tokens.into_iter().peekable();
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Ident(ident) => printer.word(&ident.to_string(), is_keyword(&ident)),
            TokenTree::Literal(literal) => printer.word(&literal.to_string(), false),
            TokenTree::Group(group) => printer.group(group.delimiter(), &print(group.stream())),
            TokenTree::Punct(mut punct) => {
                let mut operator = punct.to_string();
                while punct.spacing() == Spacing::Joint
                    && let Some(TokenTree::Punct(next)) = trees.peek()
                    && OPERATORS.contains(&format!("{operator}{next}").as_str())
                {
                    operator.push(next.as_char());
                    punct = next.clone();
                    trees.next();
                }
                printer.operator(&operator);
            }
        }
    }
    printer.out
}

/// What stands in front of the token to be printed.
#[derive(Clone, Copy, Default, PartialEq)]
enum Before {
    /// The beginning, or an operator that is tight on its right.
    #[default]
    Tight,
    /// An operator or a keyword: what follows is a new operand, behind a space.
    Operator,
    /// The end of an operand.
    Operand,
}

#[derive(Default)]
struct Printer {
    out: String,
    before: Before,
    /// How many `::<` are open.
    angles: usize,
    /// Whether the parameters of a closure are open.
    in_pipes: bool,
}

impl Printer {
    fn push(&mut self, text: &str, is_spaced: bool, before: Before) {
        if is_spaced && !self.out.is_empty() {
            self.out.push(' ');
        }
        self.out.push_str(text);
        self.before = before;
    }

    fn word(&mut self, text: &str, is_keyword: bool) {
        // The `await` of `x.await` ends an operand.
        let begins = is_keyword && !self.out.ends_with('.');
        let next = if begins { Before::Operator } else { Before::Operand };
        self.push(text, self.before != Before::Tight, next);
    }

    fn group(&mut self, delimiter: Delimiter, inside: &str) {
        let (text, is_spaced) = match delimiter {
            Delimiter::Parenthesis => (format!("({inside})"), self.before == Before::Operator),
            Delimiter::Bracket => (format!("[{inside}]"), self.before == Before::Operator),
            Delimiter::Brace if inside.is_empty() => {
                ("{}".to_owned(), self.before != Before::Tight)
            }
            Delimiter::Brace => (format!("{{ {inside} }}"), self.before != Before::Tight),
            Delimiter::None => (inside.to_owned(), self.before != Before::Tight),
        };
        self.push(&text, is_spaced, Before::Operand);
    }

    fn operator(&mut self, operator: &str) {
        let begins = self.before != Before::Operand;
        let is_spaced = self.before == Before::Operator;
        match operator {
            "," | ";" | ":" => self.push(operator, false, Before::Operator),
            "." | "::" => self.push(operator, self.out.ends_with(['=', ',']), Before::Tight),
            ".." | "..=" => self.push(operator, is_spaced, Before::Tight),
            "<" if self.angles > 0 || self.out.ends_with("::") => {
                self.angles += 1;
                self.push(operator, false, Before::Tight);
            }
            ">" | ">>" if self.angles > 0 => {
                self.angles = self.angles.saturating_sub(operator.len());
                self.push(operator, false, Before::Operand);
            }
            "|" if self.in_pipes => {
                self.in_pipes = false;
                self.push(operator, false, Before::Operator);
            }
            "|" if begins => {
                self.in_pipes = true;
                self.push(operator, is_spaced, Before::Tight);
            }
            "||" if begins => self.push(operator, is_spaced, Before::Operator),
            "?" if !begins => self.push(operator, false, Before::Operand),
            // Of a macro.
            "!" if !begins => self.push(operator, false, Before::Tight),
            "&" | "&&" | "*" | "-" | "!" | "?" | "%" | "'" | "#" if begins => {
                self.push(operator, is_spaced, Before::Tight);
            }
            _ => self.push(operator, true, Before::Operator),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{print, source};

    #[test]
    fn tokens_look_like_source() {
        for text in [
            "v[0]",
            "&v",
            "&mut v[..n]",
            "env!(\"PATH\")",
            "-x + -1",
            "!a && !b || c",
            "*p.a.0",
            "x == y",
            "a - b",
            "f(x)?.g(|a, b| a * b)",
            "x.await?.y",
            "\"a\".parse::<Vec<Vec<u8>>>().unwrap()",
            "if a < 1 { b } else { [c; 2] }",
            "match x { A => 1, _ => 2 }",
            "Point { x: 1, y: -2 }",
            "crate::Level::Info as u8",
            "vec![(1, 2), (3, 4)]",
            "f(|| 1, {})",
            "= ?v",
            "=> Some(&v)",
            "return &x",
            "r#type",
        ] {
            assert_eq!(print(text.parse().unwrap()), text);
            // Tokens that a caller has put together one by one say nothing of their distance.
            let loose: String = text.parse::<proc_macro2::TokenStream>().unwrap().to_string();
            assert_eq!(print(loose.parse().unwrap()), text);
        }
    }

    #[test]
    fn a_long_source_is_cut() {
        assert_eq!(source(&"x + ".repeat(30).parse().unwrap()), "…");
    }
}
