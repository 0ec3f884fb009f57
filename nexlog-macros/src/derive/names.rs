//! `rename_all`: one way to write the names of fields and variants.

/// A way to write names, as serde calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case(usize);

impl Case {
    pub const NAMES: [&'static str; 8] = [
        "lowercase",
        "UPPERCASE",
        "PascalCase",
        "camelCase",
        "snake_case",
        "SCREAMING_SNAKE_CASE",
        "kebab-case",
        "SCREAMING-KEBAB-CASE",
    ];

    pub fn from_name(name: &str) -> Option<Case> {
        Self::NAMES.iter().position(|known| *known == name).map(Case)
    }

    /// The name of a field in this case.
    pub fn of_field(self, name: &str) -> String {
        match Self::NAMES[self.0] {
            "UPPERCASE" | "SCREAMING_SNAKE_CASE" => name.to_uppercase(),
            "PascalCase" => name.split('_').map(|word| first(word, char::to_uppercase)).collect(),
            "camelCase" => {
                let pascal: String =
                    name.split('_').map(|word| first(word, char::to_uppercase)).collect();
                first(&pascal, char::to_lowercase)
            }
            "kebab-case" => name.replace('_', "-"),
            "SCREAMING-KEBAB-CASE" => name.to_uppercase().replace('_', "-"),
            _ => name.to_owned(),
        }
    }

    /// The name of a variant in this case.
    pub fn of_variant(self, name: &str) -> String {
        match Self::NAMES[self.0] {
            "lowercase" => name.to_lowercase(),
            "UPPERCASE" => name.to_uppercase(),
            "camelCase" => first(name, char::to_lowercase),
            "snake_case" => snake(name),
            "SCREAMING_SNAKE_CASE" => snake(name).to_uppercase(),
            "kebab-case" => snake(name).replace('_', "-"),
            "SCREAMING-KEBAB-CASE" => snake(name).to_uppercase().replace('_', "-"),
            _ => name.to_owned(),
        }
    }
}

/// With its first letter changed.
fn first<I: Iterator<Item = char>>(word: &str, change: impl Fn(char) -> I) -> String {
    let mut chars = word.chars();
    let first = chars.next().into_iter().flat_map(change);
    first.chain(chars.as_str().chars()).collect()
}

/// `UserId` as `user_id`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for (at, c) in name.char_indices() {
        if at > 0 && c.is_uppercase() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_case_is_that_of_serde() {
        let fields =
            ["user_id", "USER_ID", "UserId", "userId", "user_id", "USER_ID", "user-id", "USER-ID"];
        let variants =
            ["userid", "USERID", "UserId", "userId", "user_id", "USER_ID", "user-id", "USER-ID"];
        for ((name, field), variant) in Case::NAMES.iter().zip(fields).zip(variants) {
            let case = Case::from_name(name).unwrap();
            assert_eq!(case.of_field("user_id"), field, "{name}");
            assert_eq!(case.of_variant("UserId"), variant, "{name}");
        }
        assert_eq!(Case::from_name("snake_case").unwrap().of_variant("V1Beta"), "v1_beta");
        assert_eq!(Case::from_name("camelcase"), None);
    }
}
