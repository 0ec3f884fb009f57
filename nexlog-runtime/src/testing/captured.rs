//! [`Captured`]: one record that a test looks at.

use core::fmt::{self, Write};
use std::sync::Arc;

use super::field::FromField;
use crate::clock::WallClock;
use crate::format::plain;
use crate::lane::images::Images;
use crate::record::Record;
use crate::site::level::Level;
use crate::value::view::ValueRef;

/// One record that a [capture](super::capture) has collected. Cheap to clone.
///
/// Displayed as a line: `INFO shop::pay: paid order_id=7 span=checkout`.
#[derive(Clone)]
pub struct Captured(Arc<Kept>);

struct Kept {
    /// One record, with all that is around it.
    image: Images,
    clock: WallClock,
}

impl Captured {
    /// `None` when there is no memory to describe it.
    pub(super) fn new(image: Images, clock: WallClock) -> Option<Captured> {
        image.first(&clock)?;
        Some(Captured(Arc::new(Kept { image, clock })))
    }

    /// All that sinks and formats see of it.
    ///
    /// # Panics
    /// Never: a record without description is not kept.
    pub fn record(&self) -> Record<'_> {
        self.0.image.first(&self.0.clock).expect("looked at when it was kept")
    }

    /// How grave it is.
    pub fn level(&self) -> Level {
        self.record().level()
    }

    /// Its target: stated at the call, or the module path.
    pub fn target(&self) -> &str {
        self.record().target()
    }

    /// Its message, rendered; empty when it has none.
    pub fn message(&self) -> String {
        self.record().message().map_or_else(String::new, |message| message.to_string())
    }

    /// The name of the innermost span it was made in.
    pub fn span(&self) -> Option<&str> {
        self.record().span()
    }

    /// A field's value: its own, or that of a scope or span around it.
    ///
    /// | `T` | takes |
    /// | --- | --- |
    /// | an integer type | integers of every type, when the value fits |
    /// | `f64`, `f32` | floats; `f32` only an `f32` |
    /// | `bool`, `char`, [`Duration`](std::time::Duration), `SystemTime`, `IpAddr`, `SocketAddr` | what was logged as such |
    /// | `String`, `&str` | text; of an error its message; `String`: paths, too |
    /// | `Vec<T>` | lists, tuples and sets; `Vec<u8>` also bytes |
    /// | `BTreeMap<String, T>`, `HashMap<String, T>` | maps |
    /// | `Option<T>` | the same, or no such field |
    /// | [`ValueRef`] | everything |
    ///
    /// # Panics
    /// When there is no such field, or its value is of another type. The text names both, and
    /// shows the record. [`get`](Captured::get) does not panic.
    ///
    /// ```
    /// # use nexlog_runtime::testing::Captured;
    /// fn check(paid: &Captured) {
    ///     assert_eq!(paid.field::<u64>("order_id"), 7);
    ///     assert_eq!(paid.field::<&str>("currency"), "EUR");
    ///     assert_eq!(paid.field::<Option<u64>>("discount"), None);
    /// }
    /// ```
    #[track_caller]
    pub fn field<'a, T: FromField<'a>>(&'a self, key: &str) -> T {
        let value = self.value(key);
        // No closure: a panic in one is not told at the caller's line.
        match (T::from_field(value), value) {
            (Some(field), _) => field,
            (None, None) => panic!("no field `{key}` in the record\n  {self}"),
            (None, Some(value)) => panic!(
                "field `{key}` is {value:?}, which is no `{}`, in the record\n  {self}",
                core::any::type_name::<T>()
            ),
        }
    }

    /// A field's value; `None` when there is no such field, or its value is of another type.
    pub fn get<'a, T: FromField<'a>>(&'a self, key: &str) -> Option<T> {
        T::from_field(self.value(key))
    }

    /// A field's value as it was logged.
    pub fn value(&self, key: &str) -> Option<ValueRef<'_>> {
        self.record().field(key)
    }

    /// Whether there is such a field.
    pub fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// All fields, each key once: those of the call, then those of the scopes and spans around it.
    pub fn fields(&self) -> impl Iterator<Item = (&str, ValueRef<'_>)> {
        self.record().fields()
    }

    /// Whether this is its message.
    pub(super) fn says(&self, text: &str) -> bool {
        match self.record().message() {
            Some(message) => message
                .as_str()
                .map_or_else(|| message.to_string() == text, |message| message == text),
            None => false,
        }
    }

    /// Whether its message has this in it.
    pub(super) fn mentions(&self, text: &str) -> bool {
        self.record().message().is_some() && self.message().contains(text)
    }
}

impl fmt::Display for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = self.record();
        write!(f, "{} {}:", record.level(), record.target())?;
        if let Some(message) = record.message() {
            write!(f, " {}", message.to_string().escape_debug())?;
        }
        for (key, value) in record.fields() {
            write!(f, " {key}=")?;
            plain::text(value, f)?;
        }
        if let Some(span) = record.span() {
            f.write_str(" span=")?;
            f.write_str(span)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        fmt::Display::fmt(self, f)?;
        f.write_char('"')
    }
}
