//! `#[derive(Value)]`, as users find it.

/// A type that is logged by its parts, as a nested typed value.
///
/// ```
/// use std::collections::BTreeMap;
///
/// #[derive(nexlog::Value)]
/// #[nexlog(rename_all = "camelCase")]
/// struct Order<'a, T> {
///     order_id: u64,
///     items: &'a [T],
///     coupon: Option<String>, // a `None` is left out
///     #[nexlog(secret)]
///     card_number: String, // `***`, and never stored
///     #[nexlog(display)]
///     endpoint: std::net::Ipv4Addr,
///     #[nexlog(skip)]
///     _cache: Vec<u8>,
///     #[nexlog(flatten)]
///     labels: BTreeMap<&'a str, u32>, // its entries in its place
///     state: State,
/// }
///
/// #[derive(nexlog::Value)]
/// enum State {
///     Open,
///     Paid { by: u64 },
/// }
///
/// # let memory = nexlog::Memory::new();
/// # let logger = nexlog::builder().sink(memory.clone()).build()?;
/// let order = Order {
///     order_id: 7,
///     items: &["pen", "ink"],
///     coupon: None,
///     card_number: "4111…".into(),
///     endpoint: std::net::Ipv4Addr::LOCALHOST,
///     _cache: Vec::new(),
///     labels: BTreeMap::from([("zone", 3)]),
///     state: State::Paid { by: 9 },
/// };
/// nexlog::info!(logger(&logger), "paid", order = &order);
/// // "order":{"orderId":7,"items":["pen","ink"],"cardNumber":"***","endpoint":"127.0.0.1",
/// //          "zone":3,"state":{"Paid":{"by":9}}}
/// # assert!(memory.lines()[0].contains(r#""zone":3,"state":{"Paid":{"by":9}}}"#));
/// nexlog::info!(logger(&logger), "paid", ..order); // each of its fields is one of the record
/// # assert!(memory.lines()[1].contains(r#""orderId":7,"items":["pen","ink"]"#));
/// # Ok::<(), nexlog::Error>(())
/// ```
///
/// # Forms
///
/// | type | is logged as |
/// | --- | --- |
/// | `struct S { a: A, … }` | a map; it is [`Fields`](crate::Fields), too |
/// | `struct S(A)` | as `A` |
/// | `struct S(A, B)` | a list |
/// | `struct S` | its name |
/// | variant `V` | its name |
/// | `V(A)`, `V(A, B)`, `V { a: A }` | a map with the variant's name as its only key: `{"V": …}` |
/// | the same with `tag = "kind"` | a map with the variant's name and its fields: `{"kind": "V", "a": …}`; not for `V(A, B)` |
///
/// # Attributes
///
/// | `#[nexlog(…)]` | at | means |
/// | --- | --- | --- |
/// | `rename = "…"` | field, variant | its name in records |
/// | `rename_all = "…"` | struct, enum, variant | names of fields, of an enum of its variants: `lowercase`, `UPPERCASE`, `PascalCase`, `camelCase`, `snake_case`, `SCREAMING_SNAKE_CASE`, `kebab-case`, `SCREAMING-KEBAB-CASE` |
/// | `rename_all_fields = "…"` | enum | the same for the fields of all variants |
/// | `skip` | field, variant | left out |
/// | `secret` | field, type | `***`; nothing of it is stored |
/// | `display`, `debug` | field, type | the text of `Display` or `Debug` |
/// | `flatten` | field | its fields in place of itself; it is [`Fields`](crate::Fields): a map, or a struct with this derive |
/// | `tag = "…"` | enum | see above |
/// | `crate = path` | type | where nexlog is, when it is not `::nexlog` |
///
/// A type parameter gets the bound that its fields need: `Value`, or `Display`, `Debug`, `Fields`
/// by their attributes.
///
/// Cost: as for any value with code of its own; it is written into scratch first, then copied.
pub use nexlog_macros::Value;
