//! A map's key, as serde gives it.

use core::fmt::Display;

use serde_core::ser::{Impossible, Serialize, Serializer};

use super::{Done, Failure, Image};

/// Takes a map's key, which is a text or a scalar that has one.
pub(super) struct Key<'a>(pub(super) &'a mut Image);

fn not_a_key<T>() -> Result<T, Failure> {
    Err(Failure(
        "a map's key has to be a text, a number, a bool or a variant without fields".into(),
    ))
}

macro_rules! keys {
    ($($name:ident: $type:ty;)*) => {$(
        fn $name(self, key: $type) -> Done {
            self.0.text("Display", format_args!("{key}"));
            Ok(())
        }
    )*};
}

impl Serializer for Key<'_> {
    type Ok = ();
    type Error = Failure;
    type SerializeSeq = Impossible<(), Failure>;
    type SerializeTuple = Impossible<(), Failure>;
    type SerializeTupleStruct = Impossible<(), Failure>;
    type SerializeTupleVariant = Impossible<(), Failure>;
    type SerializeMap = Impossible<(), Failure>;
    type SerializeStruct = Impossible<(), Failure>;
    type SerializeStructVariant = Impossible<(), Failure>;

    keys! {
        serialize_bool: bool;
        serialize_i8: i8;
        serialize_i16: i16;
        serialize_i32: i32;
        serialize_i64: i64;
        serialize_i128: i128;
        serialize_u8: u8;
        serialize_u16: u16;
        serialize_u32: u32;
        serialize_u64: u64;
        serialize_u128: u128;
        serialize_f32: f32;
        serialize_f64: f64;
        serialize_char: char;
        serialize_str: &str;
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Done {
        self.0.text("Display", format_args!("{value}"));
        Ok(())
    }

    fn serialize_bytes(self, _: &[u8]) -> Done {
        not_a_key()
    }

    fn serialize_none(self) -> Done {
        not_a_key()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, key: &T) -> Done {
        key.serialize(self)
    }

    fn serialize_unit(self) -> Done {
        not_a_key()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Done {
        not_a_key()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Done {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, key: &T) -> Done {
        key.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Done {
        not_a_key()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Failure> {
        not_a_key()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Failure> {
        not_a_key()
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Failure> {
        not_a_key()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Failure> {
        not_a_key()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Failure> {
        not_a_key()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Failure> {
        not_a_key()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Failure> {
        not_a_key()
    }
}
