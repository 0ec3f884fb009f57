//! Values made of values: slices, arrays, tuples, sets and maps.
//!
//! They are rendered into scratch before space is reserved, because their elements may be
//! anything, user types included.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt::Display;

use super::{Value, ValueWriter};

macro_rules! sequence {
    ($(impl<$($param:tt $(: $bound:path)?),*> $type:ty;)*) => {$(
        impl<$($param $(: $bound)?),*> Value for $type {
            fn record(&self, out: ValueWriter<'_>) {
                out.list(|list| {
                    for item in self {
                        list.item(item);
                    }
                });
            }
        }
    )*};
}

sequence! {
    impl<T: Value> [T];
    impl<T: Value> Vec<T>;
    impl<T: Value> VecDeque<T>;
    impl<T: Value> BTreeSet<T>;
    impl<T: Value, S> HashSet<T, S>;
}

impl<T: Value, const N: usize> Value for [T; N] {
    fn record(&self, out: ValueWriter<'_>) {
        self.as_slice().record(out);
    }
}

impl<K: Display, V: Value> Value for BTreeMap<K, V> {
    fn record(&self, out: ValueWriter<'_>) {
        out.map(|map| {
            for (key, value) in self {
                map.entry(key, value);
            }
        });
    }
}

impl<K: Display, V: Value, S> Value for HashMap<K, V, S> {
    fn record(&self, out: ValueWriter<'_>) {
        out.map(|map| {
            for (key, value) in self {
                map.entry(key, value);
            }
        });
    }
}

macro_rules! tuple {
    ($($name:ident)+) => {
        impl<$($name: Value),+> Value for ($($name,)+) {
            #[allow(non_snake_case)]
            fn record(&self, out: ValueWriter<'_>) {
                let ($($name,)+) = self;
                out.list(|list| {
                    $(list.item($name);)+
                });
            }
        }
    };
}

tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);
tuple!(A B C D E F G);
tuple!(A B C D E F G H);
tuple!(A B C D E F G H I);
tuple!(A B C D E F G H I J);
tuple!(A B C D E F G H I J K);
tuple!(A B C D E F G H I J K L);
