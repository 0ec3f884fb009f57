//! `NEXLOG_STATIC="info,noisy_dep=off,my_app::db=trace"`: what a build leaves out.
//!
//! Read here rather than by a `const fn` at every call site: six rules parsed a thousand times
//! were measured at 0.9 s of build time. This file settles whatever the crate's own name
//! settles; only rules for modules of this very crate are left to the `const fn`, which knows
//! the module path. A crate's first expansion names the variable in an `option_env!`, so that
//! cargo rebuilds exactly the crates that read it; one in every expansion took 7 % of the build
//! time of a thousand lines.
//!
//! Directives match module paths, never targets. A typo is said once per crate.

use std::env;
use std::sync::{Mutex, PoisonError};

/// What the variable says of a level in this crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Keep,
    Remove,
    /// It depends on the module: `crate=default,crate::module=level`.
    Rules(String),
}

/// `off` as a threshold: above every level.
const OFF: u8 = 6;

/// The rules that concern one crate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rules {
    /// Of the crate as a whole.
    default: u8,
    modules: Vec<(String, u8)>,
    typo: Option<String>,
}

/// The rules read last, with what they were read from: an editor's server expands macros of
/// many crates in one process.
struct Cache {
    variable: Option<String>,
    crate_name: String,
    rules: Rules,
    is_named: bool,
}

/// What the variable means for one expansion.
pub struct Answer {
    pub verdict: Verdict,
    /// What is wrong with the variable: once per crate.
    pub typo: Option<String>,
    /// Whether this expansion is to name the variable: once per crate.
    pub names_variable: bool,
}

impl From<Verdict> for Answer {
    fn from(verdict: Verdict) -> Answer {
        Answer { verdict, typo: None, names_variable: false }
    }
}

/// The lowest level that the cargo features leave in a build; `OFF` is none at all. The
/// runtime's `static_floor` is the same of the build it is in.
pub const fn floor(debug: bool) -> u8 {
    macro_rules! lowest {
        ($($level:literal $always:literal $release:literal)*) => {
            $(if cfg!(feature = $always) || (!debug && cfg!(feature = $release)) {
                return $level;
            })*
        };
    }
    lowest! {
        6 "max_level_off" "release_max_level_off"
        5 "max_level_critical" "release_max_level_critical"
        4 "max_level_error" "release_max_level_error"
        3 "max_level_warn" "release_max_level_warn"
        2 "max_level_info" "release_max_level_info"
        1 "max_level_debug" "release_max_level_debug"
    }
    0
}

static CACHE: Mutex<Option<Cache>> = Mutex::new(None);

/// What becomes of a level in the crate being compiled.
pub fn ask(level: u8) -> Answer {
    let variable = env::var_os("NEXLOG_STATIC").map(|text| text.to_string_lossy().into_owned());
    let crate_name = crate_name();
    let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    let current = cache
        .take()
        .filter(|cache| cache.variable == variable && cache.crate_name == crate_name)
        .unwrap_or_else(|| {
            let rules = Rules::parse(variable.as_deref().unwrap_or_default(), &crate_name);
            Cache { variable, crate_name, rules, is_named: false }
        });
    let Cache { crate_name, rules, is_named, .. } = cache.insert(current);
    Answer {
        verdict: rules.verdict(level, crate_name),
        typo: rules.typo.take(),
        names_variable: !std::mem::replace(is_named, true),
    }
}

/// The name of the crate being compiled: from cargo, or (other build tools) from the
/// arguments of the compiler, which is the process we are in.
fn crate_name() -> String {
    if let Ok(name) = env::var("CARGO_CRATE_NAME") {
        return name;
    }
    let mut arguments = env::args_os().skip_while(|argument| argument != "--crate-name").skip(1);
    arguments.next().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

impl Rules {
    /// Reads the directives that concern `crate_name`.
    fn parse(text: &str, crate_name: &str) -> Rules {
        let mut rules = Rules::default();
        let mut of_crate = None;
        for directive in text.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
            match parse_directive(directive) {
                Ok((None, level)) => rules.default = level,
                Ok((Some(path), level)) if path == crate_name => of_crate = Some(level),
                Ok((Some(path), level)) if is_inside(&path, crate_name) => {
                    rules.modules.push((path, level));
                }
                Ok(_) => {}
                Err(text) => rules.typo = rules.typo.or(Some(text)),
            }
        }
        rules.default = of_crate.unwrap_or(rules.default);
        rules
    }

    fn verdict(&self, level: u8, crate_name: &str) -> Verdict {
        let mut kept = self.modules.iter().map(|(_, threshold)| level >= *threshold);
        let by_default = level >= self.default;
        if kept.all(|kept| kept == by_default) {
            return if by_default { Verdict::Keep } else { Verdict::Remove };
        }
        let mut text = format!("{crate_name}={}", name_of(self.default));
        for (path, threshold) in &self.modules {
            text.push(',');
            text.push_str(path);
            text.push('=');
            text.push_str(name_of(*threshold));
        }
        Verdict::Rules(text)
    }
}

fn is_inside(path: &str, crate_name: &str) -> bool {
    path.strip_prefix(crate_name).is_some_and(|rest| rest.starts_with("::"))
}

/// `level`, or `path=level`. Packages are written with `-`, crates with `_`: both are taken.
fn parse_directive(directive: &str) -> Result<(Option<String>, u8), String> {
    let Some((path, level)) = directive.split_once('=') else {
        return match level_of(directive) {
            Some(level) => Ok((None, level)),
            None => Err(complaint(directive, directive)),
        };
    };
    let path = path.trim().replace('-', "_");
    if !path.split("::").all(is_name) {
        return Err(format!(
            "NEXLOG_STATIC: in `{directive}`, `{path}` is not a crate or module path: write for \
             example `my_app::db=debug`"
        ));
    }
    match level_of(level.trim()) {
        Some(level) => Ok((Some(path), level)),
        None => Err(complaint(directive, level.trim())),
    }
}

fn complaint(directive: &str, level: &str) -> String {
    let place = if directive == level { String::new() } else { format!("in `{directive}`, ") };
    format!(
        "NEXLOG_STATIC: {place}`{level}` is not a level: write off, critical, error, warn, info, \
         debug or trace, or `path=level`"
    )
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c == '_' || c.is_alphanumeric())
}

const LEVELS: [(&str, u8); 10] = [
    ("trace", 0),
    ("debug", 1),
    ("info", 2),
    ("warn", 3),
    ("error", 4),
    ("critical", 5),
    ("off", OFF),
    ("warning", 3),
    ("err", 4),
    ("crit", 5),
];

fn level_of(text: &str) -> Option<u8> {
    LEVELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, level)| *level)
}

fn name_of(level: u8) -> &'static str {
    LEVELS[usize::from(level.min(OFF))].0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(text: &str, crate_name: &str) -> [Verdict; 6] {
        let rules = Rules::parse(text, crate_name);
        assert_eq!(rules.typo, None, "{text}");
        [0, 1, 2, 3, 4, 5].map(|level| rules.verdict(level, crate_name))
    }

    #[test]
    fn the_name_of_the_crate_settles_most() {
        use Verdict::{Keep, Remove};
        let info = [Remove, Remove, Keep, Keep, Keep, Keep];
        assert_eq!(verdicts("", "app"), [0; 6].map(|_| Keep));
        assert_eq!(verdicts("info", "app"), info);
        assert_eq!(verdicts("trace,app=info,other=off", "app"), info);
        assert_eq!(verdicts("info,noisy-dep=off", "noisy_dep"), [0; 6].map(|_| Remove));
        assert_eq!(verdicts(" INFO , ,app2=off", "app"), info);
        assert_eq!(verdicts("info,apple::x=trace", "app"), info);
    }

    #[test]
    fn modules_of_the_crate_are_left_to_the_module_path() {
        let rules = Verdict::Rules("app=info,app::db=trace".to_owned());
        let [trace, debug, info, ..] = verdicts("info,app::db=trace", "app");
        assert_eq!((trace, debug, info), (rules.clone(), rules, Verdict::Keep));
        let [.., critical] = verdicts("off,app::db=off", "app");
        assert_eq!(critical, Verdict::Remove);
    }

    #[test]
    fn a_typo_is_said_with_its_directive_and_remedy() {
        for (text, part) in [
            ("inof", "`inof` is not a level"),
            ("app=dbug", "in `app=dbug`, `dbug` is not a level"),
            ("a b=info", "`a b` is not a crate or module path"),
            ("=info", "`` is not a crate or module path"),
        ] {
            let typo = Rules::parse(text, "app").typo.unwrap();
            assert!(typo.starts_with("NEXLOG_STATIC: ") && typo.contains(part), "{typo}");
        }
    }
}
