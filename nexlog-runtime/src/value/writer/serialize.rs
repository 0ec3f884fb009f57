//! `serde(&v)`: whatever implements `Serialize`, as a nested typed value.
//!
//! The forms are those of serde's data model, as JSON shows them: structs and maps are maps, an
//! enum is its variant's name, alone or as the only key of a map. What serde calls bytes is bytes.
//! An error of the value's own code takes back what was written of it, and its text stands in the
//! field: nothing else of the record is lost.

mod key;

use core::fmt::{self, Display};

use serde_core::ser::{self, Serialize, Serializer};

use self::key::Key;
use super::{Image, MAX_DEPTH, Part, ValueWriter};
use crate::format::TOO_DEEP;
use crate::value::Value;
use crate::value::wire::{tag, text_of};

/// What the macros wrap `serde(v)` in.
#[doc(hidden)]
pub struct Serialized<'a, T: ?Sized>(pub &'a T);

impl<T: Serialize + ?Sized> Value for Serialized<'_, T> {
    fn record(&self, out: ValueWriter<'_>) {
        out.serialize(self.0);
    }
}

impl ValueWriter<'_> {
    /// A value by its `serde::Serialize` (feature `serde`), for a [`Value`] of your own. What that
    /// fails with is the text in its place.
    ///
    /// ```
    /// use nexlog_runtime::{Value, ValueWriter};
    ///
    /// struct Reply(serde_json::Value);
    ///
    /// impl Value for Reply {
    ///     fn record(&self, out: ValueWriter<'_>) {
    ///         out.serialize(&self.0);
    ///     }
    /// }
    /// ```
    pub fn serialize<T: Serialize + ?Sized>(self, value: &T) {
        let (start, cut_bytes) = (self.image.buffer.len(), self.image.cut_bytes);
        if let Err(failure) = value.serialize(ValueWriter { image: &mut *self.image }) {
            self.image.buffer.rewind(start);
            self.image.cut_bytes = cut_bytes;
            self.image.text("Serialize", format_args!("<Serialize failed: {failure}>"));
        }
    }
}

/// Why a value could not be written.
#[derive(Debug)]
pub struct Failure(String);

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl ser::Error for Failure {
    fn custom<T: Display>(message: T) -> Failure {
        Failure(message.to_string())
    }
}

type Done = Result<(), Failure>;

impl Image {
    /// Adds a value; one that writes nothing is a null.
    fn push_serialized<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        let before = self.buffer.len();
        value.serialize(ValueWriter { image: self })?;
        if self.buffer.len() == before {
            self.buffer.push(tag::NULL);
        }
        Ok(())
    }

    /// Adds a part of a list or map, or nothing of one that fails.
    fn part_serialized(&mut self, key: Option<&str>, value: &(impl Serialize + ?Sized)) -> Done {
        let part = self.begin_part();
        if let Some(key) = key {
            self.tagged_bytes(tag::STR, key.as_bytes());
        }
        let done = self.push_serialized(value);
        self.end_serialized(part, done)
    }

    fn end_serialized(&mut self, part: Part, done: Done) -> Done {
        match done {
            Ok(()) => self.end_part(part),
            Err(_) => self.buffer.rewind(part.start),
        }
        done
    }

    /// Makes a number of the text from there on, if it is one.
    fn close_number(&mut self, start: usize) {
        let text = text_of(self.buffer.as_bytes().get(start..).unwrap_or(&[])).to_owned();
        let (whole, long) = (text.parse::<i64>(), text.parse::<i128>());
        let (positive, float) = (text.parse::<u128>(), text.parse::<f64>());
        let value: &dyn Value = match (&whole, &long, &positive, &float) {
            (Ok(number), ..) => number,
            (_, Ok(number), ..) => number,
            (_, _, Ok(number), _) => number,
            (.., Ok(number)) if number.is_finite() => number,
            _ => return, // it stays a text
        };
        self.buffer.rewind(start);
        value.record(ValueWriter { image: self });
    }

    fn open(&mut self, tag: u8) -> usize {
        self.depth += 1;
        let start = self.buffer.len();
        self.buffer.push(tag);
        self.buffer.extend(&[0; 4]);
        start
    }

    fn close(&mut self, start: usize) {
        let length = self.buffer.len().saturating_sub(start + 5);
        let length = u32::try_from(length).unwrap_or(0).to_ne_bytes();
        self.buffer.patch(start + 1, &length);
        self.depth -= 1;
    }
}

/// A list, or a map, being written; of an enum's variant the map around it, too. One that is not
/// closed, for an error or a panic, takes back what was written.
pub struct Open<'a> {
    image: &'a mut Image,
    /// Where the map around it begins.
    outer: Option<usize>,
    start: usize,
    /// A key whose value is still to come.
    part: Option<Part>,
    is_closed: bool,
    /// Whether its only field is a number as text: see [`NUMBER`].
    is_number: bool,
    /// Then nothing goes into it.
    is_too_deep: bool,
}

/// What a number of `serde_json` calls itself where a program has its feature
/// `arbitrary_precision` on: a struct with the digits.
const NUMBER: &str = "$serde_json::private::Number";

impl<'a> Open<'a> {
    fn new(image: &'a mut Image, tag: u8) -> Open<'a> {
        let is_too_deep = image.depth >= MAX_DEPTH;
        let start = image.open(tag);
        let (is_closed, is_number) = (false, false);
        Open { image, outer: None, start, part: None, is_closed, is_number, is_too_deep }
    }

    /// The same as the only entry of a map.
    fn of_variant(image: &'a mut Image, variant: &str, tag: u8) -> Open<'a> {
        let outer = Some(image.open(tag::MAP));
        image.tagged_bytes(tag::STR, variant.as_bytes());
        let mut inner = Open::new(image, tag);
        inner.outer = outer;
        inner
    }

    fn item(&mut self, value: &(impl Serialize + ?Sized)) -> Done {
        if self.is_too_deep {
            return Ok(());
        }
        self.image.part_serialized(None, value)
    }

    fn entry(&mut self, key: &str, value: &(impl Serialize + ?Sized)) -> Done {
        if self.is_number {
            return value.serialize(Key(self.image));
        }
        if self.is_too_deep {
            return Ok(());
        }
        self.image.part_serialized(Some(key), value)
    }

    fn close(mut self) {
        self.is_closed = true;
        if self.is_number {
            return self.image.close_number(self.start);
        }
        self.image.close(self.start);
        if self.is_too_deep {
            self.image.buffer.rewind(self.start);
            self.image.tagged_bytes(tag::STR, TOO_DEEP.as_bytes());
        }
        if let Some(outer) = self.outer {
            self.image.close(outer);
        }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.is_closed {
            self.image.buffer.rewind(self.outer.unwrap_or(self.start));
            let open = u32::from(self.outer.is_some()) + u32::from(!self.is_number);
            self.image.depth -= open;
        }
    }
}

macro_rules! scalars {
    ($($name:ident: $type:ty => $write:ident;)*) => {$(
        fn $name(self, value: $type) -> Done {
            self.$write(value.into());
            Ok(())
        }
    )*};
}

impl<'a> Serializer for ValueWriter<'a> {
    type Ok = ();
    type Error = Failure;
    type SerializeSeq = Open<'a>;
    type SerializeTuple = Open<'a>;
    type SerializeTupleStruct = Open<'a>;
    type SerializeTupleVariant = Open<'a>;
    type SerializeMap = Open<'a>;
    type SerializeStruct = Open<'a>;
    type SerializeStructVariant = Open<'a>;

    scalars! {
        serialize_bool: bool => bool;
        serialize_i8: i8 => i64;
        serialize_i16: i16 => i64;
        serialize_i32: i32 => i64;
        serialize_i64: i64 => i64;
        serialize_i128: i128 => i128;
        serialize_u8: u8 => u64;
        serialize_u16: u16 => u64;
        serialize_u32: u32 => u64;
        serialize_u64: u64 => u64;
        serialize_u128: u128 => u128;
        serialize_f32: f32 => f32;
        serialize_f64: f64 => f64;
        serialize_char: char => char;
    }

    fn serialize_str(self, text: &str) -> Done {
        self.str(text);
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Done {
        self.bytes(bytes);
        Ok(())
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Done {
        self.display(&value);
        Ok(())
    }

    fn serialize_none(self) -> Done {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Done {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Done {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Done {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        let mut map = Open::new(self.image, tag::MAP);
        map.entry(variant, value)?;
        map.close();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Open<'a>, Failure> {
        Ok(Open::new(self.image, tag::LIST))
    }

    fn serialize_tuple(self, _: usize) -> Result<Open<'a>, Failure> {
        Ok(Open::new(self.image, tag::LIST))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Open<'a>, Failure> {
        Ok(Open::new(self.image, tag::LIST))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Open<'a>, Failure> {
        Ok(Open::of_variant(self.image, variant, tag::LIST))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Open<'a>, Failure> {
        Ok(Open::new(self.image, tag::MAP))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Open<'a>, Failure> {
        if name == NUMBER {
            let start = self.image.buffer.len();
            let image = self.image;
            let (is_closed, is_number, is_too_deep) = (false, true, false);
            let outer = None;
            return Ok(Open { image, outer, start, part: None, is_closed, is_number, is_too_deep });
        }
        Ok(Open::new(self.image, tag::MAP))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Open<'a>, Failure> {
        Ok(Open::of_variant(self.image, variant, tag::MAP))
    }
}

macro_rules! lists {
    ($($name:ident($method:ident);)*) => {$(
        impl ser::$name for Open<'_> {
            type Ok = ();
            type Error = Failure;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
                self.item(value)
            }

            fn end(self) -> Done {
                self.close();
                Ok(())
            }
        }
    )*};
}

lists! {
    SerializeSeq(serialize_element);
    SerializeTuple(serialize_element);
    SerializeTupleStruct(serialize_field);
    SerializeTupleVariant(serialize_field);
}

macro_rules! structs {
    ($($name:ident;)*) => {$(
        impl ser::$name for Open<'_> {
            type Ok = ();
            type Error = Failure;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Done {
                self.entry(key, value)
            }

            fn end(self) -> Done {
                self.close();
                Ok(())
            }
        }
    )*};
}

structs! {
    SerializeStruct;
    SerializeStructVariant;
}

impl ser::SerializeMap for Open<'_> {
    type Ok = ();
    type Error = Failure;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        if self.is_too_deep {
            return Ok(());
        }
        let part = self.image.begin_part();
        key.serialize(Key(self.image))?;
        self.part = Some(part);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        if self.is_too_deep {
            return Ok(());
        }
        let part =
            self.part.take().ok_or_else(|| Failure("a value came without its key".into()))?;
        let done = self.image.push_serialized(value);
        self.image.end_serialized(part, done)
    }

    fn end(self) -> Done {
        if self.part.is_some() {
            return Err(Failure("a key came without its value".into()));
        }
        self.close();
        Ok(())
    }
}
