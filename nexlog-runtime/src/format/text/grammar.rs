//! The grammar of text patterns: `{ts:%H:%M:%S.3} {level:>5} {target} {msg} {fields}`.
//!
//! ```text
//! pattern     := ( text | '{{' | '}}' | placeholder )*
//! placeholder := '{' name ['?'] [':' spec] '}'
//! name        := letters, digits and '_' '.' '-'
//! spec        := time, of `ts` · [[fill] align] [width] ['.' precision], of all others
//! align       := '<' | '^' | '>'
//! time        := ( text | '%' [digit] code )*
//! ```
//!
//! Knows nothing of this crate: `nexlog-macros` has the same file (by a link) and checks with it
//! what `pattern!` is given.

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Text as it is.
    Text(String),
    /// Something of the record.
    Placeholder(Placeholder),
}

/// `{name?:spec}`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placeholder {
    /// What is written: a part of the record, or a field.
    pub name: String,
    /// Whether nothing is written where a record has none.
    pub is_optional: bool,
    /// In how much room.
    pub room: Room,
    /// Of a time that has a spec, its parts.
    pub time: Option<Vec<TimeItem>>,
}

/// How much room a placeholder takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// What stands in the room that is left.
    pub fill: char,
    /// Where the text stands: `<`, `^` or `>`.
    pub align: char,
    /// At least this many characters.
    pub width: usize,
    /// At most this many.
    pub precision: Option<usize>,
}

impl Room {
    /// As much as it takes.
    pub const ANY: Room = Room { fill: ' ', align: '<', width: 0, precision: None };
}

/// A part of a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeItem {
    /// Text as it is.
    Text(String),
    /// What this letter stands for behind a `%`.
    Code(char),
    /// `+02:00`
    Offset,
    /// So many digits of the second's fraction.
    Fraction(usize),
}

/// What is wrong with a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Where, in characters from 1.
    pub column: usize,
    /// The text that is wrong.
    pub quoted: String,
    /// Why, and what to write instead.
    pub problem: String,
}

impl core::fmt::Display for Flaw {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Flaw { column, quoted, problem } = self;
        write!(f, "column {column}: `{quoted}`: {problem}")
    }
}

/// More room than any line needs.
const MAX_ROOM: usize = 1000;

/// The letters of times.
const CODES: &str = "YymdejHIMSpaAbBhFTDRzZsfL";

/// The pieces of a pattern.
pub fn parse(pattern: &str) -> Result<Vec<Item>, Flaw> {
    let mut items = Vec::new();
    let mut text = String::new();
    let mut at = 0;
    while let Some(c) = pattern[at..].chars().next() {
        let behind = at + c.len_utf8();
        let flaw = |quoted: &str, problem: &str| Err(flaw(pattern, at, quoted, problem));
        match c {
            '{' | '}' if pattern[behind..].starts_with(c) => {
                text.push(c);
                at = behind + 1;
            }
            '{' => {
                let Some(length) = pattern[behind..].find(['{', '}']) else {
                    return flaw(
                        &pattern[at..],
                        "it does not end; write `}` behind it, or `{{` for a brace",
                    );
                };
                let end = behind + length;
                if pattern[end..].starts_with('{') {
                    let problem = "a brace in a placeholder; end it with `}` before";
                    return flaw(&pattern[at..=end], problem);
                }
                if !text.is_empty() {
                    items.push(Item::Text(core::mem::take(&mut text)));
                }
                let inside = &pattern[behind..end];
                match placeholder(inside) {
                    Ok(placeholder) => items.push(Item::Placeholder(placeholder)),
                    Err(problem) => return flaw(&pattern[at..=end], &problem),
                }
                at = end + 1;
            }
            '}' => return flaw("}", "nothing begins here; write `}}` for a brace"),
            c if is_refused(c) => {
                let shown = c.escape_default().to_string();
                return flaw(&shown, "control characters are not written; a pattern is one line");
            }
            _ => {
                text.push(c);
                at = behind;
            }
        }
    }
    if !text.is_empty() {
        items.push(Item::Text(text));
    }
    Ok(items)
}

/// Whether a line cannot have this character as it is: it would end the line, or steer a terminal.
pub fn is_refused(c: char) -> bool {
    c.is_control() && c != '\t'
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn flaw(pattern: &str, at: usize, quoted: &str, problem: &str) -> Flaw {
    Flaw {
        column: pattern[..at].chars().count() + 1,
        quoted: quoted.to_owned(),
        problem: problem.to_owned(),
    }
}

/// What stands between the braces.
fn placeholder(inside: &str) -> Result<Placeholder, String> {
    let (name, spec) = match inside.split_once(':') {
        Some((name, spec)) => (name, Some(spec)),
        None => (inside, None),
    };
    let (name, is_optional) = match name.strip_suffix('?') {
        Some(name) => (name, true),
        None => (name, false),
    };
    check_name(name)?;
    let mut placeholder =
        Placeholder { name: name.to_owned(), is_optional, room: Room::ANY, time: None };
    match spec {
        None => {}
        Some("") => return Err(String::from("nothing behind the `:`; leave it out")),
        Some(spec) if name == "ts" => placeholder.time = Some(time(spec)?),
        Some(spec) => placeholder.room = room(spec)?,
    }
    Ok(placeholder)
}

fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err(String::from(
            "it names nothing; write a part of the record or a field, `{level}`, or `{{}}` for braces",
        ));
    }
    match name.chars().find(|c| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '-'))) {
        None => Ok(()),
        Some(c) => Err(format!(
            "`{}` cannot be in a name; write letters, digits, `_`, `.` and `-`",
            c.escape_debug()
        )),
    }
}

/// `[[fill] align] [width] ['.' precision]`
fn room(spec: &str) -> Result<Room, String> {
    let mut room = Room::ANY;
    let is_align = |c: &char| matches!(c, '<' | '^' | '>');
    let mut chars = spec.chars();
    let (first, second) = (chars.next(), chars.next());
    let mut rest = spec;
    if let (Some(fill), Some(align)) = (first, second.filter(is_align)) {
        (room.fill, room.align) = (fill, align);
        rest = &spec[fill.len_utf8() + 1..];
    } else if let Some(align) = first.filter(is_align) {
        room.align = align;
        rest = &spec[1..];
    }
    if is_refused(room.fill) {
        return Err(String::from("control characters are not written; fill with another one"));
    }
    let (width, precision) = match rest.split_once('.') {
        Some((width, precision)) => (width, Some(precision)),
        None => (rest, None),
    };
    if !width.is_empty() {
        room.width = number(width, spec)?;
    }
    room.precision = precision.map(|precision| number(precision, spec)).transpose()?;
    Ok(room)
}

fn number(digits: &str, spec: &str) -> Result<usize, String> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.parse().ok().filter(|_| is_number);
    match number {
        Some(_) if digits.len() > 1 && digits.starts_with('0') => Err(format!(
            "`{digits}` begins with a zero; to fill with zeros write `0>{}`",
            digits.trim_start_matches('0')
        )),
        Some(number) if number <= MAX_ROOM => Ok(number),
        Some(_) => Err(format!("`{digits}` is too large; write at most {MAX_ROOM}")),
        None => Err(format!(
            "`{spec}` is no alignment; write `>5`, `<20`, `^10`, `*>8` or `.30`, with a fill, a width \
             and the most characters"
        )),
    }
}

/// The parts of a time.
fn time(spec: &str) -> Result<Vec<TimeItem>, String> {
    let mut items = Vec::new();
    let mut text = String::new();
    let mut chars = spec.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            if is_refused(c) {
                return Err(String::from("control characters are not written"));
            }
            text.push(c);
            continue;
        }
        let mut code = String::new();
        for c in chars.by_ref() {
            code.push(c);
            if !matches!(c, '.' | ':' | '0'..='9') {
                break;
            }
        }
        if code == "%" {
            text.push('%');
            continue;
        }
        if !text.is_empty() {
            items.push(TimeItem::Text(core::mem::take(&mut text)));
        }
        coded(&code, &mut items)?;
        // `%S.3`: a second with digits of its fraction.
        let mut ahead = chars.clone();
        if matches!(code.as_str(), "S" | "T" | "s")
            && ahead.next() == Some('.')
            && let Some(digits @ 1..=9) = ahead.next().and_then(|digit| digit.to_digit(10))
        {
            items.extend([TimeItem::Text(String::from(".")), TimeItem::Fraction(digits as usize)]);
            chars = ahead;
        }
    }
    if items.is_empty() {
        return Err(format!(
            "`{}` has no part of a time; write some, as in `{{ts:%T.3}}`; a time has no alignment",
            spec.escape_debug()
        ));
    }
    if !text.is_empty() {
        items.push(TimeItem::Text(text));
    }
    Ok(items)
}

/// What stands behind a `%`.
fn coded(code: &str, items: &mut Vec<TimeItem>) -> Result<(), String> {
    let unknown = || {
        Err(format!(
            "`%{code}` is no part of a time; there are %Y %m %d %H %M %S %y %e %j %I %p %a %A %b %B %F \
             %T %D %R %z %:z %Z %s %f %L, and digits of the second: `%S.3`, `%3f`"
        ))
    };
    let mut chars = code.chars();
    match (chars.next(), chars.next(), chars.next(), chars.next()) {
        (Some('f'), None, ..) => items.push(TimeItem::Fraction(9)),
        (Some('L'), None, ..) => items.push(TimeItem::Fraction(3)),
        (Some(':'), Some('z'), None, _) => items.push(TimeItem::Offset),
        (Some(code), None, ..) if CODES.contains(code) => items.push(TimeItem::Code(code)),
        (Some(digit @ '1'..='9'), Some('f'), None, _) => {
            items.push(TimeItem::Fraction(digit as usize - '0' as usize));
        }
        (Some('.'), Some(digit @ '1'..='9'), Some('f'), None) => {
            let digits = digit as usize - '0' as usize;
            items.extend([TimeItem::Text(String::from(".")), TimeItem::Fraction(digits)]);
        }
        _ => return unknown(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(pattern: &str) -> Placeholder {
        match &parse(pattern).unwrap()[..] {
            [Item::Placeholder(placeholder)] => placeholder.clone(),
            items => panic!("{items:?}"),
        }
    }

    #[test]
    fn braces_text_and_placeholders_are_told_apart() {
        let items = parse("{{a}} {level:>5}|").unwrap();
        assert_eq!(items[0], Item::Text(String::from("{a} ")));
        assert_eq!(items[2], Item::Text(String::from("|")));
        assert_eq!(items.len(), 3);
        assert_eq!(parse(""), Ok(Vec::new()));
    }

    #[test]
    fn what_would_be_passed_over_is_a_flaw() {
        let problem = |pattern: &str| parse(pattern).unwrap_err().problem;
        assert_eq!(problem("{line:05}"), "`05` begins with a zero; to fill with zeros write `0>5`");
        assert!(problem("{a:.07}").contains("begins with a zero"));
        assert!(problem("{ts:>30}").contains("`>30` has no part of a time"));
        assert!(problem("{ts:%%}").contains("no part of a time"));
        assert!(parse("{line:0>5} {a:.0} {a:0} {ts:at %H}").is_ok());
    }

    #[test]
    fn a_spec_has_fill_alignment_width_and_precision() {
        let room = |pattern: &str| one(pattern).room;
        assert_eq!(room("{a}"), Room::ANY);
        assert_eq!(room("{a:>5}"), Room { align: '>', width: 5, ..Room::ANY });
        assert_eq!(
            room("{a:*^12.3}"),
            Room { fill: '*', align: '^', width: 12, precision: Some(3) }
        );
        assert_eq!(room("{a:.7}"), Room { precision: Some(7), ..Room::ANY });
        assert_eq!(room("{a:>>2}"), Room { fill: '>', align: '>', width: 2, ..Room::ANY });
        let optional = one("{user.id?:8}");
        assert!(optional.is_optional && optional.name == "user.id" && optional.room.width == 8);
    }

    #[test]
    fn times_have_parts_and_digits() {
        let text = |text: &str| TimeItem::Text(text.to_owned());
        let dotted = [text("."), TimeItem::Fraction(3)];
        assert_eq!(
            one("{ts:%H:%M:%S.3}").time.unwrap(),
            [
                [TimeItem::Code('H'), text(":"), TimeItem::Code('M'), text(":")].to_vec(),
                [TimeItem::Code('S')].to_vec(),
                dotted.to_vec()
            ]
            .concat()
        );
        assert_eq!(one("{ts:%.3f}").time.unwrap(), dotted);
        assert_eq!(one("{ts:%6f%f}").time.unwrap(), [TimeItem::Fraction(6), TimeItem::Fraction(9)]);
        assert_eq!(one("{ts:%:z%%}").time.unwrap(), [TimeItem::Offset, text("%")]);
        assert_eq!(one("{ts}").time, None);
    }

    #[test]
    fn a_flaw_says_where_and_what() {
        for (pattern, column, quoted, word) in [
            ("é {level", 3, "{level", "does not end"),
            ("{level} }", 9, "}", "}}"),
            ("{}", 1, "{}", "names nothing"),
            ("{a b}", 1, "{a b}", "cannot be in a name"),
            ("{level:>x}", 1, "{level:>x}", "no alignment"),
            ("{level:>5000}", 1, "{level:>5000}", "too large"),
            ("{level:}", 1, "{level:}", "leave it out"),
            ("{msg} {ts:%H:%Q}", 7, "{ts:%H:%Q}", "`%Q` is no part"),
            ("{ts:%", 1, "{ts:%", "does not end"),
            ("{ts:%}", 1, "{ts:%}", "no part of a time"),
            ("{a{b}", 1, "{a{", "a brace"),
            ("a\nb", 2, "\\n", "one line"),
            ("\u{1b}[31m{msg}", 1, "\\u{1b}", "control"),
        ] {
            let flaw = parse(pattern).unwrap_err();
            assert_eq!((flaw.column, flaw.quoted.as_str()), (column, quoted), "{pattern}");
            assert!(flaw.problem.contains(word), "{pattern}: {}", flaw.problem);
        }
    }

    #[test]
    fn no_text_makes_it_panic() {
        let parts = ["{", "}", "ts", ":", "%", "S", ".", "3", "é", "?", ">", "9", "f", "a"];
        for number in 0..parts.len().pow(4) {
            let part = |place: u32| parts[number / parts.len().pow(place) % parts.len()];
            let _ = parse(&format!("{{{}{}{}{}", part(0), part(1), part(2), part(3)));
            let _ = parse(&format!("{{ts:{}{}{}{}}}", part(0), part(1), part(2), part(3)));
        }
    }
}
