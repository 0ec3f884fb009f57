//! The colours of text on a terminal.

use core::fmt::Write;

use crate::site::level::Level;

/// The colours of [`Text`](crate::Text), part by part.
///
/// Used where a [`Console`](crate::Console) is coloured, and nowhere else: what is written to a file
/// never is.
///
/// ```
/// use nexlog_runtime::{AnsiColor, Level, Style, Text, Theme};
///
/// let theme = Theme::new()
///     .level(Level::Info, Style::new().fg(AnsiColor::BrightBlue).bold())
///     .key(Style::new().dim());
/// let format = Text::compact().theme(theme);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    levels: [Style; 6],
    pub(crate) time: Style,
    pub(crate) target: Style,
    pub(crate) message: Style,
    pub(crate) key: Style,
}

impl Theme {
    /// Levels from dim over blue, green, yellow and red to reversed bold red; time and place dim; keys
    /// cyan; messages and values as the terminal has them.
    pub const fn new() -> Theme {
        let plain = Style::new();
        let red = plain.fg(AnsiColor::Red);
        Theme {
            levels: [
                plain.dim(),
                plain.fg(AnsiColor::Blue),
                plain.fg(AnsiColor::Green),
                plain.fg(AnsiColor::Yellow),
                red,
                red.bold().reversed(),
            ],
            time: plain.dim(),
            target: plain.dim(),
            message: plain,
            key: plain.fg(AnsiColor::Cyan),
        }
    }

    /// No colours at all, to begin with.
    pub const fn plain() -> Theme {
        let plain = Style::new();
        Theme { levels: [plain; 6], time: plain, target: plain, message: plain, key: plain }
    }

    /// The style of a level's name.
    #[must_use]
    pub const fn level(mut self, level: Level, style: Style) -> Theme {
        self.levels[level as usize] = style;
        self
    }

    /// The style of the time.
    #[must_use]
    pub const fn time(mut self, style: Style) -> Theme {
        self.time = style;
        self
    }

    /// The style of the target and the source.
    #[must_use]
    pub const fn target(mut self, style: Style) -> Theme {
        self.target = style;
        self
    }

    /// The style of the message.
    #[must_use]
    pub const fn message(mut self, style: Style) -> Theme {
        self.message = style;
        self
    }

    /// The style of keys.
    #[must_use]
    pub const fn key(mut self, style: Style) -> Theme {
        self.key = style;
        self
    }

    pub(crate) fn of(&self, level: Level) -> Style {
        self.levels.get(level as usize).copied().unwrap_or(Style::new())
    }
}

impl Default for Theme {
    fn default() -> Theme {
        Theme::new()
    }
}

/// How a part of a text looks on a terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // each is an attribute of its own
pub struct Style {
    fg: Option<AnsiColor>,
    bg: Option<AnsiColor>,
    bold: bool,
    dim: bool,
    italic: bool,
    underlined: bool,
    reversed: bool,
}

impl Style {
    /// As the terminal has it.
    pub const fn new() -> Style {
        Style {
            fg: None,
            bg: None,
            bold: false,
            dim: false,
            italic: false,
            underlined: false,
            reversed: false,
        }
    }

    /// The colour of the characters.
    #[must_use]
    pub const fn fg(mut self, color: AnsiColor) -> Style {
        self.fg = Some(color);
        self
    }

    /// The colour behind them.
    #[must_use]
    pub const fn bg(mut self, color: AnsiColor) -> Style {
        self.bg = Some(color);
        self
    }

    /// Bold.
    #[must_use]
    pub const fn bold(mut self) -> Style {
        self.bold = true;
        self
    }

    /// Faint.
    #[must_use]
    pub const fn dim(mut self) -> Style {
        self.dim = true;
        self
    }

    /// Italic.
    #[must_use]
    pub const fn italic(mut self) -> Style {
        self.italic = true;
        self
    }

    /// Underlined.
    #[must_use]
    pub const fn underlined(mut self) -> Style {
        self.underlined = true;
        self
    }

    /// Both colours exchanged.
    #[must_use]
    pub const fn reversed(mut self) -> Style {
        self.reversed = true;
        self
    }

    /// What switches it on; empty when there is nothing to switch on.
    pub(crate) fn code(self) -> String {
        let mut code = String::new();
        let mut add = |part: &dyn core::fmt::Display| {
            let between = if code.is_empty() { "\x1b[" } else { ";" };
            let _ = write!(code, "{between}{part}"); // a string takes everything
        };
        for (is_on, number) in [
            (self.bold, 1),
            (self.dim, 2),
            (self.italic, 3),
            (self.underlined, 4),
            (self.reversed, 7),
        ] {
            if is_on {
                add(&number);
            }
        }
        if let Some(color) = self.fg {
            add(&color.code(0));
        }
        if let Some(color) = self.bg {
            add(&color.code(10));
        }
        if !code.is_empty() {
            code.push('m');
        }
        code
    }
}

/// A colour of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // their names say what they are
pub enum AnsiColor {
    Black,
    Red,
    Green,
    Yellow,
    Blue,
    Magenta,
    Cyan,
    White,
    BrightBlack,
    BrightRed,
    BrightGreen,
    BrightYellow,
    BrightBlue,
    BrightMagenta,
    BrightCyan,
    BrightWhite,
    /// One of the terminal's 256.
    Indexed(u8),
    /// Red, green and blue, for terminals with true colour.
    Rgb(u8, u8, u8),
}

impl AnsiColor {
    /// The parameters that choose it, `more` above those for characters.
    fn code(self, more: u8) -> String {
        let number = match self {
            AnsiColor::Indexed(number) => return format!("{};5;{number}", 38 + more),
            AnsiColor::Rgb(r, g, b) => return format!("{};2;{r};{g};{b}", 38 + more),
            AnsiColor::Black => 30,
            AnsiColor::Red => 31,
            AnsiColor::Green => 32,
            AnsiColor::Yellow => 33,
            AnsiColor::Blue => 34,
            AnsiColor::Magenta => 35,
            AnsiColor::Cyan => 36,
            AnsiColor::White => 37,
            AnsiColor::BrightBlack => 90,
            AnsiColor::BrightRed => 91,
            AnsiColor::BrightGreen => 92,
            AnsiColor::BrightYellow => 93,
            AnsiColor::BrightBlue => 94,
            AnsiColor::BrightMagenta => 95,
            AnsiColor::BrightCyan => 96,
            AnsiColor::BrightWhite => 97,
        };
        (number + more).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_are_the_terminals_codes() {
        assert_eq!(Style::new().code(), "");
        assert_eq!(Style::new().dim().code(), "\x1b[2m");
        let all = Style::new().bold().dim().italic().underlined().reversed();
        assert_eq!(all.code(), "\x1b[1;2;3;4;7m");
        assert_eq!(Style::new().fg(AnsiColor::BrightRed).bg(AnsiColor::Blue).code(), "\x1b[91;44m");
        let rich = Style::new().fg(AnsiColor::Indexed(208)).bg(AnsiColor::Rgb(1, 2, 3));
        assert_eq!(rich.code(), "\x1b[38;5;208;48;2;1;2;3m");
    }
}
