//! The build-time filter of one crate's modules, evaluated by the compiler at each call site.
//!
//! The macros read `NEXLOG_STATIC`, check it, settle what the crate's name settles, and leave
//! here only the rules for modules of the calling crate: `app=info,app::db=trace`. The text is
//! therefore trusted to be well-formed. It is walked once with byte loops, because a thousand
//! call sites evaluate it a thousand times; a rule's level is told by its first letter alone.

/// Whether the rules leave a call of this level in this module. The longest name that equals
/// the module path, or begins it and ends at a `::`, decides; of equal names the last; without
/// one the call stays.
///
/// Levels count from 0 (trace) to 5 (critical). A rule without a level, or with an unknown
/// one, leaves everything.
///
/// ```
/// use nexlog_runtime::private::static_rule;
///
/// const DEBUG: u8 = 1;
/// const DB: bool = static_rule("app=info,app::db=debug", "app::db::pool", DEBUG);
/// const WEB: bool = static_rule("app=info,app::db=debug", "app::web", DEBUG);
/// assert!(DB && !WEB);
/// ```
pub const fn static_rule(rules: &str, module_path: &str, level: u8) -> bool {
    let (rules, path) = (rules.as_bytes(), module_path.as_bytes());
    let (mut at, mut longest, mut lowest) = (0, 0, 0);
    while at < rules.len() {
        let name_start = at;
        while at < rules.len() && rules[at] != b'=' && rules[at] != b',' {
            at += 1;
        }
        let name_end = at;
        let first_letter =
            if at + 1 < rules.len() && rules[at] == b'=' { rules[at + 1] } else { 0 };
        while at < rules.len() && rules[at] != b',' {
            at += 1;
        }
        at += 1; // past the comma
        if name_end - name_start >= longest && covers(rules, name_start, name_end, path) {
            longest = name_end - name_start;
            lowest = lowest_level(first_letter);
        }
    }
    level >= lowest
}

/// Whether the module `rules[start..end]` is `path` or holds it.
const fn covers(rules: &[u8], start: usize, end: usize, path: &[u8]) -> bool {
    let length = end - start;
    if length == 0 || length > path.len() {
        return false;
    }
    // From the back: rules of one crate differ at their ends.
    let mut at = length;
    while at > 0 {
        at -= 1;
        if rules[start + at] != path[at] {
            return false;
        }
    }
    length == path.len()
        || (length + 1 < path.len() && path[length] == b':' && path[length + 1] == b':')
}

/// The first letters of `off`, `critical`, `error`, … are all different.
const fn lowest_level(first_letter: u8) -> u8 {
    match first_letter.to_ascii_lowercase() {
        b'o' => 6,
        b'c' => 5,
        b'e' => 4,
        b'w' => 3,
        b'i' => 2,
        b'd' => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::static_rule;
    use proptest::prelude::*;

    const RULES: &str = "a=info,a::b=debug,a::b::c=off";

    // Evaluated by the compiler, as at a call site.
    const _: () = {
        assert!(static_rule(RULES, "a", 2) && !static_rule(RULES, "a", 1));
        assert!(static_rule(RULES, "a::b", 1) && !static_rule(RULES, "a::b", 0));
        assert!(static_rule(RULES, "a::b::d", 1));
        assert!(!static_rule(RULES, "a::b::c", 5) && !static_rule(RULES, "a::b::c::d", 5));
        assert!(!static_rule(RULES, "a::bc", 1)); // `a::b` ends inside a name
        assert!(static_rule(RULES, "other", 0) && static_rule("", "a", 0));
    };

    #[test]
    fn every_level_name_is_told_by_its_first_letter() {
        for (number, names) in [
            &["trace", "TRACE"][..],
            &["debug", "Debug"],
            &["info"],
            &["warn", "warning", "WARN"],
            &["error", "err"],
            &["critical", "crit"],
            &["off", "OFF"],
        ]
        .iter()
        .enumerate()
        {
            for name in *names {
                for level in 0..6 {
                    let stays = static_rule(&format!("a={name}"), "a", level);
                    assert_eq!(stays, usize::from(level) >= number, "{name} {level}");
                }
            }
        }
    }

    #[test]
    fn of_equal_names_the_last_decides() {
        assert!(static_rule("a=off,a=trace", "a", 0));
        assert!(!static_rule("a=trace,a=off", "a", 5));
    }

    fn naive(rules: &[(String, u8)], path: &str, level: u8) -> bool {
        let holds = |name: &str| path == name || path.starts_with(&format!("{name}::"));
        let best = rules.iter().filter(|rule| holds(&rule.0)).max_by_key(|rule| rule.0.len());
        best.is_none_or(|rule| level >= rule.1)
    }

    proptest! {
        #[test]
        fn answers_are_those_of_the_naive_rule(
            rules in proptest::collection::vec(("[ab](::[abc]){0,3}", 0_u8..7), 0..6),
            path in "[ab](::[abc]{1,2}){0,4}",
            level in 0_u8..6,
        ) {
            const NAMES: [&str; 7] = ["trace", "debug", "info", "warn", "error", "critical", "off"];
            let text: Vec<String> =
                rules.iter().map(|(name, at)| format!("{name}={}", NAMES[usize::from(*at)])).collect();
            prop_assert_eq!(static_rule(&text.join(","), &path, level), naive(&rules, &path, level));
        }

        #[test]
        fn any_text_is_read_without_a_panic(rules in ".{0,40}", path in ".{0,20}", level: u8) {
            static_rule(&rules, &path, level);
        }
    }
}
