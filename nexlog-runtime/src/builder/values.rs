//! What a logger does with values: hides some by their keys, cuts long ones.

use std::sync::Arc;

use super::Builder;
use crate::error::Error;
use crate::lane::view::Common;
use crate::value::redact::Redaction;

/// What one value may take at least.
const LEAST_VALUE_BYTES: usize = 64;

impl Builder {
    /// Hides the values of these keys: they come out as `***` in every format, in the typed records
    /// of sinks, and in archives. Fields of the call, of scopes, spans, loggers and the builder are
    /// meant, keys made at run time, entries of maps and fields of structs, and what a message shows
    /// by that name, also as `{password:?}`. Calls add to each other.
    ///
    /// | pattern | hides |
    /// | --- | --- |
    /// | `password` | the key `password` wherever it is: as a field, as the end of `user.password`, in a map at any depth |
    /// | `user.token` | the field `user.token`, and `token` in the map or struct `user` |
    /// | `*.token` | the same below any one key, which `*` stands for; neither `token` alone nor `a.b.token` |
    ///
    /// Keys are compared as they are, upper and lower case apart; those of nested maps count as
    /// if they were joined by dots, and the items of a list as lying where the list does. What lies
    /// below a hidden key is hidden with it. A text is never searched: what a `Debug` or `Display`
    /// shows, an error's text, and a `{}` that is no variable have no key.
    ///
    /// **What it cannot do.** A value of a hidden key that has no code of its own (a number, a text)
    /// lies in the thread's buffer as it was given until it is drained, which overwrites it there;
    /// with a [`File`](crate::File) that buffer is mapped, and a killed process leaves it in the ring
    /// file until the next start, which hides it, too. A `secret(v)` at the call, or
    /// `#[nexlog(secret)]` in a derive, is never stored anywhere.
    ///
    /// Without patterns it costs nothing. With some, the drainer asks once for each call site whether
    /// it has such a key; calls that take the longer way (values with code of their own, nested ones)
    /// compare their keys.
    ///
    /// ```
    /// # use nexlog_runtime::{Memory, builder};
    /// let logger = builder().sink(Memory::new()).redact(["password", "*.token"]).build()?;
    /// # drop(logger);
    /// let error = builder().redact(["user..token"]).build().unwrap_err();
    /// assert!(error.to_string().contains("user..token"));
    /// # Ok::<(), nexlog_runtime::Error>(())
    /// ```
    pub fn redact<T: AsRef<str>>(mut self, patterns: impl IntoIterator<Item = T>) -> Self {
        self.redact.extend(patterns.into_iter().map(|pattern| String::from(pattern.as_ref())));
        self
    }

    /// Longer values are cut, as by [`max_record_bytes`](Builder::max_record_bytes) and with the same
    /// field `truncated`, so that one of them leaves room for the others: texts and bytes by their
    /// length, lists and maps by what they take in the thread's buffer. Default: no limit of its own;
    /// at least 64 bytes. Fields of scopes and spans have limits of their own: 4 KiB for all of one.
    ///
    /// Below 16 KiB every call takes the longer way, as one with a value that has code of its own.
    pub fn max_value_bytes(mut self, bytes: impl TryInto<u64>) -> Self {
        let bytes = bytes.try_into().unwrap_or(0);
        self.settings.max_value_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self
    }

    pub(super) fn check_values(&self) -> Result<(), Error> {
        let bytes = self.settings.max_value_bytes;
        if bytes < LEAST_VALUE_BYTES {
            let problem = format!("{bytes} is too small; use at least {LEAST_VALUE_BYTES}");
            return Err(Error::Option { option: "max_value_bytes", problem });
        }
        if self.common.is_cut() {
            let problem = String::from("the fields take more than 1 MiB; shorten the longest");
            return Err(Error::Option { option: "field", problem });
        }
        Ok(())
    }

    /// The builder's own fields as they are shown.
    pub(super) fn shown_fields(&self) -> Common {
        let mut shown = Common::read(self.common.as_bytes()).unwrap_or_else(Common::new);
        shown.redact(&Redaction::parse(&self.redact).unwrap_or_default());
        shown
    }

    /// Reads the patterns, and hides what the builder's own fields have of that.
    pub(super) fn settle_redaction(&mut self) -> Result<(), Error> {
        let redaction = Redaction::parse(&self.redact)?;
        self.common.redact(&redaction);
        self.settings.redaction = Arc::new(redaction);
        Ok(())
    }
}
