//! Which values a word in a directive means.

use core::time::Duration;

use proptest::prelude::*;

use super::Wanted;
use crate::record::testing::Owned;
use crate::site::level::Level;
use crate::value::Value;
use crate::value::view::{Timestamp, ValueRef};

fn bare(text: &str) -> Wanted {
    Wanted::new(text.to_owned(), false)
}

fn quoted(text: &str) -> Wanted {
    Wanted::new(text.to_owned(), true)
}

/// What a field of this value is in a record.
fn with_field(value: &dyn Value, check: impl Fn(ValueRef<'_>)) {
    let owned = Owned::new(Level::Info, "0:f1:x.m\nf", &[value]);
    check(owned.record().field("x").expect("a field"));
}

#[test]
fn a_number_equals_fields_of_every_numeric_type() {
    for word in ["7", "+7", "007", "7.0", "7e0", "0.7e1", "7."] {
        for value in [
            ValueRef::I64(7),
            ValueRef::U64(7),
            ValueRef::I128(7),
            ValueRef::U128(7),
            ValueRef::F32(7.0),
            ValueRef::F64(7.0),
        ] {
            assert!(bare(word).equals(value), "{word} {value:?}");
            assert!(!quoted(word).equals(value), "{word} {value:?}");
        }
        for value in [ValueRef::I64(-7), ValueRef::U64(8), ValueRef::F64(7.5), ValueRef::Bool(true)]
        {
            assert!(!bare(word).equals(value), "{word} {value:?}");
        }
    }
    for word in ["7x", "", "0x7", "seven", "7 0"] {
        assert!(!bare(word).equals(ValueRef::U64(7)), "{word}");
    }
}

#[test]
fn numbers_are_compared_exactly_in_the_type_of_the_field() {
    assert!(bare("0.1").equals(ValueRef::F64(0.1)) && bare("0.1").equals(ValueRef::F32(0.1)));
    assert!(!bare("0.1").equals(ValueRef::F64(f64::from(0.1_f32))));
    assert!(bare("-0").equals(ValueRef::U64(0)) && bare("0").equals(ValueRef::F64(-0.0)));
    assert!(bare("9007199254740993").equals(ValueRef::U64(9_007_199_254_740_993)));
    assert!(!bare("9007199254740993").equals(ValueRef::U64(9_007_199_254_740_992)));
    assert!(bare(&u128::MAX.to_string()).equals(ValueRef::U128(u128::MAX)));
    assert!(bare(&i128::MIN.to_string()).equals(ValueRef::I128(i128::MIN)));
    assert!(!bare("340282366920938463463374607431768211456").equals(ValueRef::U128(u128::MAX)));
    assert!(!bare("1e39").equals(ValueRef::U128(u128::MAX)));
    assert!(bare("NaN").equals(ValueRef::F64(f64::NAN)));
    assert!(bare("nan").equals(ValueRef::F32(f32::NAN)));
    assert!(bare("-inf").equals(ValueRef::F64(f64::NEG_INFINITY)));
    assert!(!bare("inf").equals(ValueRef::I64(i64::MAX)) && !bare("nan").equals(ValueRef::U64(0)));
}

#[test]
fn a_bool_is_a_word_and_no_number() {
    assert!(bare("true").equals(ValueRef::Bool(true)));
    assert!(bare("false").equals(ValueRef::Bool(false)));
    for word in [bare("1"), bare("TRUE"), bare("false"), quoted("true")] {
        assert!(!word.equals(ValueRef::Bool(true)), "{word}");
    }
}

#[test]
fn text_equals_text_quoted_or_not() {
    for word in ["acme", "42", "true", "äö", "1.5s"] {
        for wanted in [bare(word), quoted(word)] {
            assert!(wanted.equals(ValueRef::Str(word)));
            assert!(wanted.equals(ValueRef::Os(word.as_bytes())));
            assert!(!wanted.equals(ValueRef::Str("acm")) && !wanted.equals(ValueRef::Str("Acme")));
        }
    }
    assert!(!bare("7").equals(ValueRef::Str("7.0")), "text is not compared as a number");
    assert!(quoted("").equals(ValueRef::Str("")));
    assert!(bare("x").equals(ValueRef::Char('x')) && !bare("xy").equals(ValueRef::Char('x')));
}

#[test]
fn other_types_are_compared_with_the_form_they_have_in_text_output() {
    let time = Timestamp { seconds: 1_795_355_400, nanos: 0 };
    for (word, value) in [
        ("1.5s", ValueRef::Duration(Duration::from_millis(1500))),
        ("2026-11-22T13:50:00Z", ValueRef::Time(time)),
        ("10.0.0.1", ValueRef::Ip([10, 0, 0, 1].into())),
        ("::1", ValueRef::Ip("::1".parse().unwrap())),
        ("10.0.0.1:80", ValueRef::Socket(([10, 0, 0, 1], 80).into())),
        ("c0ffee", ValueRef::Bytes(&[0xc0, 0xff, 0xee])),
    ] {
        assert!(bare(word).equals(value) && quoted(word).equals(value), "{word} {value:?}");
        assert!(!bare(&word[1..]).equals(value) && !bare(&format!("{word}0")).equals(value));
    }
}

#[test]
fn lists_maps_and_nothing_equal_no_word() {
    with_field(&[1, 2], |list| assert!(!bare("[1, 2]").equals(list) && !bare("1").equals(list)));
    assert!(!bare("null").equals(ValueRef::Null));
}

#[test]
fn a_secret_cannot_be_found_out_by_asking() {
    for word in [bare("***"), quoted("***"), bare("hunter2")] {
        assert!(!word.equals(ValueRef::Secret), "{word}");
    }
}

proptest! {
    #[test]
    fn integers_equal_their_digits(left: i64, near in -2_i64..3, large: u128) {
        let right = left.wrapping_add(near);
        prop_assert_eq!(bare(&left.to_string()).equals(ValueRef::I64(right)), left == right);
        prop_assert_eq!(bare(&left.to_string()).equals(ValueRef::I128(right.into())), left == right);
        prop_assert!(bare(&large.to_string()).equals(ValueRef::U128(large)));
        let below = large.wrapping_sub(1);
        prop_assert!(!bare(&large.to_string()).equals(ValueRef::U128(below)));
    }

    #[test]
    fn floats_equal_their_text(value: f64, single: f32) {
        prop_assert!(bare(&value.to_string()).equals(ValueRef::F64(value)));
        let exponent = format!("{value:e}");
        prop_assert!(bare(&exponent).equals(ValueRef::F64(value)));
        prop_assert!(bare(&single.to_string()).equals(ValueRef::F32(single)));
        let next = f64::from_bits(value.to_bits() ^ 1);
        prop_assert!(value.is_nan() || !bare(&value.to_string()).equals(ValueRef::F64(next)));
    }
}
