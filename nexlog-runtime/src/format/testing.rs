//! Random records and the plainest possible model of them, for tests of formats.
//!
//! A record is decided by a string of bytes ([`Choices`]), so that proptest, which makes and
//! shrinks such strings, finds the smallest record that breaks a promise.

mod model;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use proptest::prelude::*;

pub(crate) use self::model::{Model, is_special, json_escaped, text_escaped, word};
use crate::format::time::Stamp;
use crate::record::testing::Owned;
use crate::site::level::Level;
use crate::value::view::{Timestamp, ValueRef};
use crate::value::{Fields, FieldsWriter, Splice};
use crate::{Buffer, Record, ThreadInfo, Value};

/// As many cases as `normal` says, ten times as many with `NEXLOG_FULL=1`.
pub(crate) fn cases(normal: u32) -> ProptestConfig {
    let full = std::env::var_os("NEXLOG_FULL").is_some_and(|value| value == "1");
    ProptestConfig {
        cases: if full { normal * 10 } else { normal },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// The text that a stamp shows for a time.
pub(crate) fn stamped(stamp: &mut Stamp, time: Timestamp) -> String {
    let mut out = Buffer::new();
    stamp.push(time, &mut out);
    String::from_utf8(out.as_bytes().to_vec()).unwrap()
}

/// Decisions read from bytes; zeros when they have run out.
pub(crate) struct Choices<'a>(pub(crate) &'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    fn bits(&mut self) -> u128 {
        // Small numbers as often as large ones.
        let bytes = self.below(17);
        (0..bytes).fold(0, |bits, _| bits << 8 | u128::from(self.byte()))
    }

    fn char(&mut self) -> char {
        const ODD: [char; 24] = [
            '\0', '\n', '\r', '\t', '\u{8}', '\u{c}', '\u{1b}', '\u{7f}', '\u{80}', '\u{9f}', '"',
            '\\', '\u{200e}', '\u{2028}', '\u{202e}', '\u{2066}', '\u{61c}', '\u{a0}', '\u{200d}',
            'ü', 'щ', '中', '😀', '\u{feff}',
        ];
        match self.byte() {
            byte @ 0..0x80 => char::from(byte.max(b' ')),
            byte @ 0x80..0xf0 => ODD[usize::from(byte) % ODD.len()],
            _ => char::from_u32(u32::try_from(self.bits() & 0x1f_ffff).unwrap()).unwrap_or('x'),
        }
    }

    fn text(&mut self) -> String {
        let length = [0, 1, 3, 7, 8, 9, 15, 16, 17, 33, 4, 5][self.below(12)];
        (0..length).map(|_| self.char()).collect()
    }

    fn key(&mut self) -> String {
        const KEYS: [&str; 24] = [
            "ts",
            "level",
            "target",
            "msg",
            "span",
            "file",
            "line",
            "thread",
            "thread_id",
            "ts_",
            "ts__",
            "a",
            "b",
            "fields",
            "msg_",
            "",
            // Of presets.
            "trace_id",
            "span_id",
            "error",
            "message",
            "pid",
            "name",
            "time",
            "trace.id",
        ];
        match self.below(36) {
            number @ 0..24 => String::from(KEYS[number]),
            _ => self.text(),
        }
    }

    fn several<T>(&mut self, max: usize, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(max + 1)).map(|_| one(self)).collect()
    }

    fn entries(&mut self, max: usize, depth: usize) -> Entries {
        self.several(max, |choices| (choices.key(), choices.value(depth)))
    }

    fn time(&mut self) -> Timestamp {
        #[allow(clippy::cast_possible_truncation)]
        let (seconds, nanos) = (self.bits() as i64, self.bits() as u32);
        let nanos = if self.below(2) == 0 { nanos % 1000 * 1_000_000 } else { nanos };
        Timestamp { seconds, nanos }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // random bits
    fn value(&mut self, depth: usize) -> Model {
        let bits = self.bits();
        match self.below(if depth < 3 { 21 } else { 18 }) {
            0 => Model::Null,
            1 => Model::Bool(bits & 1 == 1),
            2 => Model::I64(bits as i64),
            3 => Model::U64(bits as u64),
            4 => Model::I128(bits as i128),
            5 => Model::U128(bits),
            6 => Model::F32(f32::from_bits(bits as u32)),
            7 => Model::F64(f64::from_bits(bits as u64)),
            8 => Model::F64(f64::from(bits as u32) / 1000.0),
            9 => Model::Char(self.char()),
            10 => Model::Str(self.text()),
            11 => Model::Os(self.several(20, Self::byte)),
            12 => Model::Bytes(self.several(40, Self::byte)),
            13 => Model::Duration(Duration::new(bits as u64 >> 1, (bits >> 64) as u32 >> 3)),
            14 => Model::Time(self.time()),
            15 => Model::Socket(SocketAddr::new(Ipv6Addr::from(bits).into(), bits as u16)),
            16 => Model::Socket(SocketAddr::new(Ipv4Addr::from(bits as u32).into(), bits as u16)),
            17 => Model::Secret,
            18 => Model::Error(self.text(), self.several(3, Self::text)),
            19 => Model::List(self.several(4, |choices| choices.value(depth + 1))),
            _ => {
                let max = if depth == 0 && bits.is_multiple_of(8) { 20 } else { 4 };
                Model::Map(self.entries(max, depth + 1))
            }
        }
    }
}

/// Keys and values, with doubles.
type Entries = Vec<(String, Model)>;

/// Run-time fields.
#[derive(Clone, Debug)]
struct Spliced(Entries);

impl Fields for Spliced {
    fn record_fields(&self, out: &mut FieldsWriter<'_>) {
        self.0.record_fields(out); // as of a list of pairs, which keeps nulls
    }
}

/// A slot of the model's call site.
#[derive(Clone, Debug)]
pub(crate) enum ModelSlot {
    Field(String, Model),
    Dynamic(Entries),
    Hidden(String),
}

/// A piece of the model's message.
#[derive(Clone, Debug)]
pub(crate) enum ModelPiece {
    Text(String),
    Slot(usize),
}

/// A record that knows what it was made of.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) level: Level,
    pub(crate) target: String,
    pub(crate) time: Timestamp,
    pub(crate) thread: (u64, String),
    pub(crate) slots: Vec<ModelSlot>,
    pub(crate) message: Option<Vec<ModelPiece>>,
    /// Fields that the call site does not know of: the record's, and its logger's.
    extra: Option<Entries>,
    common: Option<Entries>,
    /// Whether level and target are made at run time.
    run_time: bool,
}

impl Sample {
    pub(crate) fn new(choices: &mut Choices<'_>) -> Sample {
        let mut slots = Vec::new();
        for _ in 0..choices.below(6) {
            slots.push(match choices.below(6) {
                0 => ModelSlot::Hidden(choices.text()),
                1 => {
                    let max = if choices.below(8) == 0 { 30 } else { 3 };
                    ModelSlot::Dynamic(choices.entries(max, 0))
                }
                _ => ModelSlot::Field(choices.key(), choices.value(0)),
            });
        }
        // Literal keys are unique: the macros refuse others.
        let mut keys = Vec::new();
        slots.retain(|slot| match slot {
            ModelSlot::Field(key, _) if keys.contains(key) => false,
            ModelSlot::Field(key, _) => {
                keys.push(key.clone());
                true
            }
            _ => true,
        });
        let shown = slots.len();
        let message = (choices.below(8) > 0).then(|| {
            choices.several(4, |choices| match choices.below(2) {
                0 if shown > 0 => ModelPiece::Slot(choices.below(shown)),
                _ => ModelPiece::Text(choices.text()),
            })
        });
        Sample {
            level: Level::ALL[choices.below(6)],
            target: if choices.below(2) == 0 { String::from("m") } else { choices.text() + "t" },
            time: choices.time(),
            thread: (u64::from(choices.byte()), choices.text()),
            run_time: choices.below(2) == 0,
            extra: (choices.below(4) == 3).then(|| choices.entries(3, 0)),
            common: (choices.below(4) == 3).then(|| choices.entries(3, 0)),
            slots,
            message,
        }
    }

    /// Calls `check` with the record.
    pub(crate) fn with_record(&self, check: impl FnOnce(Record<'_>)) {
        let splice = |slot: &ModelSlot| match slot {
            ModelSlot::Dynamic(entries) => Some(Spliced(entries.clone())),
            _ => None,
        };
        let extra = self.extra.clone().map(Spliced);
        let run_time: Vec<Option<Spliced>> = self.slots.iter().map(splice).chain([extra]).collect();
        let splices: Vec<_> = run_time.iter().map(|fields| fields.as_ref().map(Splice)).collect();
        let mut values: Vec<&dyn Value> = Vec::new();
        for (slot, splice) in self.slots.iter().zip(&splices) {
            values.push(match slot {
                ModelSlot::Field(_, value) => value,
                ModelSlot::Hidden(text) => text,
                ModelSlot::Dynamic(_) => splice,
            });
        }
        if let (Some(_), Some(extra)) = (&self.extra, splices.last()) {
            values.push(extra);
        }
        let site_level = if self.run_time { Level::Info } else { self.level };
        let mut owned = Owned::new(site_level, &self.description(), &values);
        if self.run_time && self.target.len().is_multiple_of(2) {
            owned.site.level = None;
        }
        let mut record = owned.record();
        record.timestamp = self.time;
        record.thread = ThreadInfo { id: self.thread.0, name: &self.thread.1 };
        record.level = self.level;
        record.target = if self.run_time { &self.target } else { record.target };
        record.has_extra = self.extra.is_some();
        let common = self.common.clone().map(Spliced);
        let common = common.as_ref().map(Splice);
        let common = common.as_ref().map(|common| Owned::new(Level::Info, "0:d0:.m\nf", &[common]));
        record.common = common.as_ref().and_then(|common| {
            match common.record().slots().next().map(|(_, value)| value) {
                Some(ValueRef::Map(map)) => Some(map),
                _ => None,
            }
        });
        check(record);
    }

    fn description(&self) -> String {
        let netstr = |text: &str| format!("{}:{text}", text.len());
        let mut parts = vec![netstr(if self.run_time { "elsewhere" } else { &self.target })];
        parts.extend(self.slots.iter().map(|slot| match slot {
            ModelSlot::Field(key, _) => format!("f{}", netstr(key)),
            ModelSlot::Dynamic(_) => String::from("d0:"),
            ModelSlot::Hidden(_) => String::from("h0:"),
        }));
        parts.extend(self.message.iter().map(|_| String::from("M")));
        parts.extend(self.message.iter().flatten().map(|piece| match piece {
            ModelPiece::Text(text) => format!("L{}", netstr(text)),
            ModelPiece::Slot(number) => format!("S{number};"),
        }));
        parts.concat() + ".m\nsrc/m.rs"
    }

    /// Whether the template has text or values.
    pub(crate) fn has_message(&self) -> bool {
        let is_something = |piece: &ModelPiece| match piece {
            ModelPiece::Text(text) => !text.is_empty(),
            ModelPiece::Slot(_) => true,
        };
        self.message.iter().flatten().any(is_something)
    }

    /// The message, as the model's naive `Display` has it.
    pub(crate) fn message(&self) -> Option<String> {
        let show = |piece: &ModelPiece| match piece {
            ModelPiece::Text(text) => text.clone(),
            ModelPiece::Slot(number) => match &self.slots[*number] {
                ModelSlot::Field(_, value) => value.display(),
                ModelSlot::Hidden(text) => text.clone(),
                ModelSlot::Dynamic(entries) => Model::Map(entries.clone()).display(),
            },
        };
        self.message.as_ref().map(|pieces| pieces.iter().map(show).collect())
    }

    /// The keys of literal fields, nulls included.
    pub(crate) fn literal_keys(&self) -> Vec<&str> {
        let keys = self.slots.iter().filter_map(|slot| match slot {
            ModelSlot::Field(key, _) => Some(key.as_str()),
            _ => None,
        });
        keys.collect()
    }

    /// The keys of run-time fields, doubles and nulls included.
    pub(crate) fn run_time_keys(&self) -> Vec<&str> {
        self.run_time_fields().map(|entry| entry.0.as_str()).collect()
    }

    fn run_time_fields(&self) -> impl Iterator<Item = &(String, Model)> {
        let entries = self.slots.iter().filter_map(|slot| match slot {
            ModelSlot::Dynamic(entries) => Some(entries),
            _ => None,
        });
        entries.chain(&self.extra).chain(&self.common).flatten()
    }

    /// The fields a record has, by the rule of the interface: each key once, nulls left out,
    /// literal ones first. The flag tells run-time fields.
    pub(crate) fn fields(&self) -> Vec<(&str, &Model, bool)> {
        let mut fields: Vec<(&str, &Model, bool)> = Vec::new();
        let literal = self.slots.iter().filter_map(|slot| match slot {
            ModelSlot::Field(key, value) => Some((key.as_str(), value, false)),
            _ => None,
        });
        let run_time = self.run_time_fields();
        let run_time = run_time.map(|(key, value)| (key.as_str(), value, true));
        for field in literal.chain(run_time) {
            if !matches!(field.1, Model::Null) && fields.iter().all(|other| other.0 != field.0) {
                fields.push(field);
            }
        }
        fields
    }
}

/// Strings of choices. Made of words, because the random numbers are most of a case's cost.
pub(crate) fn choices() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u64>(), 0..18)
        .prop_map(|words| words.iter().flat_map(|word| word.to_le_bytes()).collect())
}
