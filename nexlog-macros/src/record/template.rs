//! The grammar of messages: `"paid {n} items in {took:?}, {:>8}"`.
//!
//! Pure text to pure model, no syntax trees and no spans, so that any string can be thrown at
//! it in a test. It follows `format!` where `format!` has an opinion (escapes, specifications,
//! counting of `{}`), and differs in one point only: a name may contain dots, because it may
//! be the key of a field. What a name stands for is settled in `resolve`.

/// A message, cut at its placeholders.
#[derive(Debug, Default, PartialEq)]
pub struct Template {
    pub pieces: Vec<Piece>,
    /// How many positional arguments the placeholders ask for.
    pub positional: usize,
}

#[derive(Debug, PartialEq)]
pub enum Piece {
    Text(String),
    Hole(Hole),
}

/// One `{…}`.
#[derive(Debug, PartialEq)]
pub struct Hole {
    pub source: String,
    pub value: Reference,
    /// Empty for a plain placeholder.
    pub spec: Vec<SpecPart>,
}

/// What a placeholder, or a width inside one, refers to.
#[derive(Clone, Debug, PartialEq)]
pub enum Reference {
    Position(usize),
    Name(String),
}

/// A format specification with its references cut out: `>`, width, `.`, precision.
#[derive(Clone, Debug, PartialEq)]
pub enum SpecPart {
    Text(String),
    Count(Reference),
}

/// What is wrong with a message; the texts are in `check`.
#[derive(Debug, PartialEq)]
pub enum Flaw {
    /// A `{` that no `}` ends, with what follows it.
    Unclosed(String),
    /// A `}` that nothing opened.
    Unopened,
    /// The placeholder, and the part that is no name.
    BadName(String, String),
    /// The placeholder, and the part that is no specification.
    BadSpec(String, String),
}

impl Hole {
    /// `{x}`, `{}`, `{0}`: nothing said about the form.
    pub fn is_plain(&self) -> bool {
        self.spec.is_empty()
    }

    /// `{x:?}` and nothing else.
    pub fn is_debug(&self) -> bool {
        matches!(self.spec.as_slice(), [SpecPart::Text(text)] if text == "?")
    }
}

/// Reads a whole message.
pub fn parse(text: &str) -> Result<Template, Flaw> {
    let mut reader = Reader { rest: text, template: Template::default(), next: 0 };
    let mut literal = String::new();
    while let Some(brace) = reader.rest.find(['{', '}']) {
        literal.push_str(&reader.rest[..brace]);
        let from = &reader.rest[brace..];
        if let Some(rest) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
            literal.push_str(&from[..1]);
            reader.rest = rest;
        } else if from.starts_with('}') {
            return Err(Flaw::Unopened);
        } else {
            reader.flush(&mut literal);
            reader.hole(from)?;
        }
    }
    literal.push_str(reader.rest);
    reader.flush(&mut literal);
    Ok(reader.template)
}

struct Reader<'a> {
    rest: &'a str,
    template: Template,
    /// The position that the next `{}` takes.
    next: usize,
}

impl<'a> Reader<'a> {
    fn flush(&mut self, literal: &mut String) {
        if !literal.is_empty() {
            self.template.pieces.push(Piece::Text(std::mem::take(literal)));
        }
    }

    /// `from` starts at the opening brace.
    fn hole(&mut self, from: &'a str) -> Result<(), Flaw> {
        let end = closing_brace(from).ok_or_else(|| Flaw::Unclosed(excerpt(from)))?;
        let source = &from[..=end];
        self.rest = &from[end + 1..];
        let inside = &from[1..end];
        let (name, spec) = inside.split_once(':').unwrap_or((inside, ""));
        let name = name.trim();
        if !name.is_empty() && !is_position(name) && !is_dotted_name(name) {
            return Err(Flaw::BadName(source.to_owned(), name.to_owned()));
        }
        let mut spec = Spec { source, text: spec.trim_end(), parts: Vec::new() };
        // `{:.*}` takes its precision before its value.
        spec.read(self)?;
        let value = self.value(source, name)?;
        let hole = Hole { source: source.to_owned(), value, spec: spec.parts };
        self.template.pieces.push(Piece::Hole(hole));
        Ok(())
    }

    fn value(&mut self, source: &str, name: &str) -> Result<Reference, Flaw> {
        if name.is_empty() {
            Ok(self.take_next())
        } else if is_position(name) {
            let too_large = |_| Flaw::BadName(source.to_owned(), name.to_owned());
            let index = name.parse::<u16>().map_err(too_large)?;
            Ok(self.position(index.into()))
        } else {
            Ok(Reference::Name(name.strip_prefix("r#").unwrap_or(name).to_owned()))
        }
    }

    fn take_next(&mut self) -> Reference {
        self.next += 1;
        self.position(self.next - 1)
    }

    fn position(&mut self, index: usize) -> Reference {
        self.template.positional = self.template.positional.max(index + 1);
        Reference::Position(index)
    }
}

/// Where the placeholder that starts `from` ends. A brace right after the `:` can be the fill
/// character of an alignment (`{:}>8}`), as in `format!`.
fn closing_brace(from: &str) -> Option<usize> {
    let end = from.find('}')?;
    let Some(colon) = from[..end].find(':') else { return Some(end) };
    let mut spec = from[colon + 1..].char_indices();
    match (spec.next(), spec.next()) {
        (Some((_, '{' | '}')), Some((at, '<' | '^' | '>'))) => {
            let after = colon + 1 + at;
            from[after..].find('}').map(|end| after + end)
        }
        _ => Some(end),
    }
}

/// A format specification being read, from the left.
struct Spec<'a> {
    source: &'a str,
    text: &'a str,
    parts: Vec<SpecPart>,
}

impl Spec<'_> {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Flaw> {
        let whole = self.text;
        self.fill_and_flags();
        self.count(reader)?;
        if self.text.starts_with('.') {
            self.copy(1);
            if self.text.starts_with('*') {
                self.text = &self.text[1..];
                let precision = reader.take_next();
                self.refer(precision);
            } else if !self.count(reader)? {
                return Err(self.bad(whole));
            }
        }
        match self.text {
            "" | "?" | "x?" | "X?" | "x" | "X" | "o" | "p" | "b" | "e" | "E" => {
                self.copy(self.text.len());
                Ok(())
            }
            _ => Err(self.bad(whole)),
        }
    }

    /// `[[fill]align][sign]['#']['0']`
    fn fill_and_flags(&mut self) {
        let mut chars = self.text.char_indices();
        match (chars.next(), chars.next()) {
            (Some(_), Some((at, '<' | '^' | '>'))) => self.copy(at + 1),
            (Some((_, '<' | '^' | '>')), _) => self.copy(1),
            _ => {}
        }
        if self.text.starts_with(['+', '-']) {
            self.copy(1);
        }
        if self.text.starts_with('#') {
            self.copy(1);
        }
        // `0$` is a width that refers to the first argument.
        if self.text.starts_with('0') && !self.text.starts_with("0$") {
            self.copy(1);
        }
    }

    /// `8`, `1$` or `width$`; false when there is none.
    fn count(&mut self, reader: &mut Reader<'_>) -> Result<bool, Flaw> {
        let whole = self.text;
        let digits = self.text.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            let number =
                self.text[..digits].parse::<u16>().map_err(|_| self.bad(&whole[..digits]))?;
            if self.text[digits..].starts_with('$') {
                self.text = &self.text[digits + 1..];
                let width = reader.position(number.into());
                self.refer(width);
            } else {
                self.copy(digits);
            }
            return Ok(true);
        }
        match self.text.split_once('$') {
            Some((name, rest)) if is_name(name) => {
                self.text = rest;
                self.refer(Reference::Name(name.to_owned()));
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn copy(&mut self, bytes: usize) {
        if bytes == 0 {
            return;
        }
        let (text, rest) = self.text.split_at(bytes);
        self.text = rest;
        match self.parts.last_mut() {
            Some(SpecPart::Text(last)) => last.push_str(text),
            _ => self.parts.push(SpecPart::Text(text.to_owned())),
        }
    }

    fn refer(&mut self, to: Reference) {
        self.parts.push(SpecPart::Count(to));
    }

    fn bad(&self, part: &str) -> Flaw {
        Flaw::BadSpec(self.source.to_owned(), part.to_owned())
    }
}

fn is_position(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit())
}

fn is_dotted_name(name: &str) -> bool {
    let mut parts = name.strip_prefix("r#").unwrap_or(name).split('.');
    parts.next().is_some_and(is_name) && parts.all(|part| is_name(part) || is_position(part))
}

/// An identifier; the compiler has the last word on letters outside ASCII.
fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
        && chars.all(|c| c == '_' || c.is_alphanumeric())
        && name != "_"
}

/// The start of a text, short enough for one line of an error.
fn excerpt(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(24) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
