//! Every spelling of a call makes exactly the record it promises: level, target, message, and
//! typed fields in their order.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display, Formatter};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use nexlog::{
    Batch, Level, Logger, Mode, Output, Sink, ValueRef, WriteError, critical, debug, enabled,
    error, info, log, trace, try_log, warn,
};

/// What reached the sink, as text.
static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// One test at a time: whoever drains also writes what other threads have logged.
static TURN: Mutex<()> = Mutex::new(());

struct Recorder(&'static str);

impl Sink for Recorder {
    fn write(&mut self, batch: &Batch<'_>) -> Result<(), WriteError> {
        for record in batch.records() {
            let message = record.message().map(|message| message.to_string());
            let fields: Vec<String> =
                record.fields().map(|(key, value)| format!("{key}={}", typed(value))).collect();
            let text = format!(
                "{}{} {} {:?} [{}]",
                self.0,
                record.level(),
                record.target(),
                message,
                fields.join(", ")
            );
            lock(&SEEN).push(text);
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A value with its type, where the text alone would not tell.
fn typed(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Error(error) => {
            let chain: Vec<&str> = error.chain().collect();
            format!("error({} <- {})", error.message(), chain.join(" <- "))
        }
        ValueRef::List(list) => {
            let items: Vec<String> = list.iter().map(typed).collect();
            format!("[{}]", items.join(" "))
        }
        other => format!("{other:?}"),
    }
}

fn logger() -> &'static Logger {
    static LOGGER: OnceLock<Logger> = OnceLock::new();
    LOGGER.get_or_init(|| {
        nexlog::builder()
            .filter("trace,quiet=off")
            .sink(Output::to(Recorder("")))
            .mode(Mode::Immediate)
            .install()
            .unwrap()
    })
}

/// The records that `calls` makes.
fn records(calls: impl FnOnce()) -> Vec<String> {
    let _turn = lock(&TURN);
    logger();
    lock(&SEEN).clear();
    calls();
    std::mem::take(&mut *lock(&SEEN))
}

/// Each call makes this record of level info and this module.
#[track_caller]
fn all_make(expected: &str, calls: impl FnOnce()) {
    let made = records(calls);
    assert!(!made.is_empty());
    for (number, record) in made.iter().enumerate() {
        assert_eq!(record, &format!("INFO spellings {expected}"), "call number {number}");
    }
}

struct Order {
    id: u64,
    total: f64,
}

impl Display for Order {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "order {}", self.id)
    }
}

impl Debug for Order {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "Order#{}", self.id)
    }
}

#[test]
fn lines_of_every_logger_mean_the_same() {
    let (id, total) = (42u64, 12.5);
    all_make(r#"Some("paid") [order_id=U64(42), total=F64(12.5)]"#, || {
        info!("paid", order_id = id, total);
        info!("paid", order_id = id, total,);
        info!(order_id = id, total, "paid");
        info!(order_id = id, total; "paid");
        info!("paid"; "order_id" => id, "total" => total);
        info!("paid"; "order_id" => id, total);
        info!(order_id = id, "paid", total);
        info!("paid", "order_id" = id, total = total);
        info!(concat!("pa", "id"), order_id = id, total);
        log!(Level::Info, "paid", order_id = id, total);
        log!(nexlog::Level::Info, order_id = id, total; "paid");
        log!(if id > 1 { Level::Info } else { Level::Warn }, "paid", order_id = id, total);
        log!("info".parse::<Level>().unwrap(), "paid", order_id = id, total);
        try_log!(Level::Info, "paid", order_id = id, total).unwrap();
        log!(Level::INFO, "paid", order_id = id, total);
        info!({ order_id = id, total }, "paid");
        info!({ order_id = id, total = total, }, "pa{}", "id");
        log!(Level::Info, { order_id = id }, { total }, "paid");
    });
    let made = records(|| info!(target: "db", { "http.code" = 5, rows = ?2 }, "paid"));
    assert_eq!(made, [r#"INFO db Some("paid") [http.code=I64(5), rows=Str("2")]"#]);
}

#[test]
fn every_level_has_its_macro() {
    let made = records(|| {
        trace!("a");
        debug!("a");
        info!("a");
        warn!("a");
        error!("a");
        critical!("a");
        log!(Level::Critical, "a");
    });
    let levels: Vec<&str> = made.iter().filter_map(|record| record.split(' ').next()).collect();
    assert_eq!(levels, ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "CRITICAL", "CRITICAL"]);
}

#[test]
fn keys_are_what_was_written() {
    let order = Order { id: 7, total: 2.5 };
    let r#type = 3u8;
    let made = format!("made_{}", 1);
    let pair = (1u8, 2u8);
    all_make(r"None [order.id=U64(7), pair.1=U64(2), type=U64(3)]", || {
        info!(order.id, pair.1, r#type);
    });
    all_make(r#"Some("m") [a.b=I64(1), http.status=I64(2), type=I64(3)]"#, || {
        info!("m", a.b = 1, "http.status" = 2, r#type = 3);
        info!("m", a.b = 1, "http.status" = 2, type = 3);
    });
    all_make(r#"Some("m") [made_1=I64(1), made_1x=Str("2")]"#, || {
        info!("m", (made) = 1, (format!("{made}x")) = ?2);
    });
    order.by_self();
}

impl Order {
    fn by_self(&self) {
        all_make(r#"Some("order 7") [id=U64(7), total=Str("2.5"), self=Str("order 7")]"#, || {
            info!("{self}", self.id, ?self.total);
        });
    }
}

#[test]
fn forms_are_markers_sigils_and_suffixes() {
    let order = Order { id: 7, total: 2.5 };
    all_make(r#"Some("m") [order=Str("Order#7")]"#, || {
        info!("m", order = debug(&order));
        info!("m", order = debug(order));
        info!("m", order = ?order);
        info!("m", ?order);
        info!(order:? = order; "m");
        info!(order:?; "m");
        info!(order:debug; "m");
        info!("m"; "order" => ?order);
    });
    all_make(r#"Some("m") [order=Str("order 7")]"#, || {
        info!("m", order = display(&order));
        info!("m", order = %order);
        info!("m", %order);
        info!(order:% = order; "m");
        info!(order:%= order; "m");
        info!(order:display; "m");
    });
    let raw = [0xab, 0xcd];
    all_make(r"None [token=Secret, raw=Bytes([171, 205])]", || {
        info!(token = secret("hunter2"), raw = bytes(raw));
        info!(token:secret = "hunter2", raw = bytes(&raw[..]));
    });
}

#[test]
fn a_marker_is_one_only_as_a_bare_call_of_one_argument() {
    fn debug(number: u64) -> u64 {
        number * 10
    }
    fn display(a: u64, b: u64) -> u64 {
        a + b
    }
    all_make(r#"None [a=U64(10), b=U64(3), c=U64(11), d=Str("1")]"#, || {
        info!(a = (debug(1)), b = display(1, 2), c = debug(1) + 1, d = debug(1));
    });
}

#[derive(Debug)]
struct Outer(std::num::ParseIntError);

impl Display for Outer {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("outer")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// Leads to an error by dereference alone, as `anyhow::Error` and `eyre::Report` do.
struct Report(Box<dyn std::error::Error + Send + Sync>);

impl std::ops::Deref for Report {
    type Target = dyn std::error::Error + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

#[test]
fn an_error_has_its_chain_whatever_holds_it() {
    let outer = || Outer("x".parse::<u32>().unwrap_err());
    let concrete = outer();
    let boxed: Box<dyn std::error::Error> = Box::new(outer());
    let sendable: Box<dyn std::error::Error + Send + Sync> = Box::new(outer());
    let plain: &dyn std::error::Error = &concrete;
    let shared = std::sync::Arc::new(outer());
    let report = Report(Box::new(outer()));
    all_make(r#"Some("m") [e=error(outer <- invalid digit found in string)]"#, || {
        info!("m", e = err(concrete));
        info!("m", e = err(&concrete));
        info!("m", e = err(&&concrete));
        info!("m", e = err(plain));
        info!("m", e = err(*plain));
        info!("m", e = err(&plain));
        info!("m", e = err(boxed));
        info!("m", e = err(&boxed));
        info!("m", e = err(&*boxed));
        info!("m", e = err(sendable));
        info!("m", e = err(&sendable));
        info!("m", e = err(&*sendable as &(dyn std::error::Error + Send + Sync)));
        info!("m", e = err(shared));
        info!("m", e = err(&shared));
        info!("m", e = err(report));
        info!("m", e = err(&report));
        info!("m", e:err = &report);
    });
    let e = concrete;
    all_make(r#"Some("m") [e=error(outer <- invalid digit found in string)]"#, || {
        info!(e:err; "m");
        info!("m", e = err(Box::new(outer())));
    });
}

#[test]
fn a_captured_variable_is_typed_if_it_can_be() {
    let (count, text, rate) = (3u16, "x", 0.5f32);
    let name = String::from("n");
    let order = Order { id: 7, total: 2.5 };
    let boxed: Box<dyn Display> = Box::new(5);
    let e = "x".parse::<u32>().unwrap_err();
    let number = 5;
    all_make(
        r#"Some("3 x 0.5 n 5") [count=U64(3), text=Str("x"), rate=F32(0.5), name=Str("n"), number=I64(5)]"#,
        || info!("{count} {text} {rate} {name} {number}"),
    );
    let (count, text, name) = (&count, &text, &&name);
    all_make(r#"Some("3 x n") [count=U64(3), text=Str("x"), name=Str("n")]"#, || {
        info!("{count} {text} {name}");
    });
    all_make(
        r#"Some("order 7 5 invalid digit found in string") [order=Str("order 7"), boxed=Str("5"), e=Str("invalid digit found in string")]"#,
        || info!("{order} {boxed} {e}"),
    );
    assert!(order.total > 2.0);
}

fn generic<V: nexlog::Value, D: Display>(value: V, shown: D) {
    info!("{value} {shown}");
}

#[test]
fn in_a_generic_function_the_bounds_decide() {
    all_make(r#"Some("1 2") [value=I64(1), shown=Str("2")]"#, || generic(1, 2));
}

#[test]
fn messages_show_fields_arguments_and_formats() {
    let (x, y, width) = (1.5, 2u8, 6);
    all_make(r#"Some("a 1.5") [x=F64(1.5)]"#, || {
        info!("a {x}");
        info!("a {x}", x);
        info!("a {x}", x = 1.5);
        info!(x = 3.0 / 2.0, "a {x}");
    });
    all_make(r#"Some("a 1.5") []"#, || {
        info!("a {}", x);
        info!("a {0}", x);
        info!("a {:?}", x);
        info!("a {x:?}");
        info!("a {}", "1.5");
    });
    all_make(r#"Some("1.5 2") [y=U64(2)]"#, || {
        info!("{} {y}", x);
        info!("{x:?} {y}");
        info!("{} {y}", x, y);
        info!("{} {y}", x, y = y);
        info!("{0} {y}", x, y);
        info!("{:.1} {y:}", x, y);
    });
    all_make(r#"Some("  1.50|1.500|2     |{}") []"#, || {
        info!("{:width$.2}|{:.3}|{:<6}|{{}}", x, x, y);
        info!("{0:>6.2}|{0:.1$}|{2:<6}|{{}}", x, 3, y);
        info!("{x:>width$.2}|{x:.3}|{y:<0$}|{{}}", 6);
    });
    let order = Order { id: 7, total: x };
    all_make(r#"Some("Order#7 Order#7 7 order 7") [order=Str("Order#7")]"#, || {
        info!("{order} {order:} {} {order:<7}", order.id, ?order);
    });
}

#[test]
fn a_format_of_a_field_shows_the_same_value_once_evaluated() {
    let calls = std::cell::Cell::new(0);
    let next = || {
        calls.set(calls.get() + 1);
        calls.get()
    };
    all_make(r#"Some("1 0001 1") [n=I64(1)]"#, || {
        info!("{n} {n:04} {n:?}", n = next());
    });
    all_make(r#"Some("2 2 0002") []"#, || info!("{} {0:?} {0:04}", next()));
}

#[test]
fn arguments_run_once_from_left_to_right_and_only_when_wanted() {
    let order = std::cell::RefCell::new(String::new());
    let step = |name: char| {
        order.borrow_mut().push(name);
        u64::from(name as u8)
    };
    let made = records(|| {
        info!("x {} {:>4} {2}", step('a'), step('b'), step('c'), d = step('d'));
        info!(
            e = step('e'),
            "{1:?} {0} {e:?}",
            step('f'),
            step('g'),
            (step('h').to_string()) = step('i')
        );
        log!(target(format!("t{}", step('j'))), pick(step('k')), "x", l = step('l'));
        try_log!(Level::Info, "x {}", step('m'), n = step('n')).unwrap();
    });
    assert_eq!((made.len(), order.borrow().as_str()), (4, "abcdefghijklmn"));
    records(|| {
        info!(target("quiet"), "x {}", step('z'), z = step('z'));
        log!(target("quiet"), Level::Warn, "x {}", step('z'));
        try_log!(Level::Info, target("quiet"), "x", z = step('z')).unwrap();
    });
    assert_eq!(order.borrow().as_str(), "abcdefghijklmn");
}

fn pick(number: u64) -> Level {
    if number > 0 { Level::Info } else { Level::Warn }
}

#[test]
fn options_stand_first() {
    let name = String::from("t2");
    let local = nexlog::builder().filter("warn").sink(Output::to(Recorder("local "))).build();
    let local = local.unwrap();
    let made = records(|| {
        info!(target("db"), "a");
        info!(target: "db", "a");
        info!(target: concat!("d", "b"), x = 1; "a");
        log!(target("db"), Level::Info, "a");
        log!(Level::Info, target("db"), "a");
        log!(target: "db", Level::Info, "a");
        info!(target(&name), "a");
        info!(target: name.as_str(), "a");
        info!(logger(&local), "not wanted");
        warn!(logger(&local), target("db"), "a");
        warn!(logger: &local, target: "db", "a", x = 1);
    });
    assert_eq!(
        made,
        [
            r#"INFO db Some("a") []"#,
            r#"INFO db Some("a") []"#,
            r#"INFO db Some("a") [x=I64(1)]"#,
            r#"INFO db Some("a") []"#,
            r#"INFO db Some("a") []"#,
            r#"INFO db Some("a") []"#,
            r#"INFO t2 Some("a") []"#,
            r#"INFO t2 Some("a") []"#,
            r#"local WARN db Some("a") []"#,
            r#"local WARN db Some("a") [x=I64(1)]"#,
        ]
    );
}

#[test]
fn enabled_asks_and_makes_no_record() {
    let made = records(|| {
        assert!(enabled!(Level::Info));
        assert!(enabled!(Level::Info, target("db")));
        assert!(!enabled!(Level::Critical, target("quiet")));
        assert!(!enabled!(target("quiet"), Level::Critical));
        assert!(enabled!(pick(1)));
    });
    assert_eq!(made, Vec::<String>::new());
}

#[test]
fn fields_are_spliced_and_absent_ones_left_out() {
    let map = BTreeMap::from([("a", 1), ("b", 2)]);
    all_make(r#"Some("m") [x=I64(0), a=I64(1), b=I64(2), last=I64(3)]"#, || {
        info!("m", x = 0, ..map, (String::from("last")) = 3);
        info!("m", x = 0, ..&map, (String::from("last")) = 3);
        info!(x = 0, .. map.clone(), (String::from("last")) = 3; "m", gone = None::<u8>);
    });
}

#[test]
fn any_number_of_fields_is_taken() {
    all_make(
        r#"Some("12") [a=I64(1), b=I64(2), c=I64(3), d=I64(4), e=I64(5), f=I64(6), g=I64(7), h=I64(8), i=I64(9), j=I64(10), k=I64(11), l=I64(12)]"#,
        || {
            info!(
                "12",
                a = 1,
                b = 2,
                c = 3,
                d = 4,
                e = 5,
                f = 6,
                g = 7,
                h = 8,
                i = 9,
                j = 10,
                k = 11,
                l = 12
            );
        },
    );
    all_make(
        r#"Some("13 13") [a=I64(1), b=I64(2), c=I64(3), d=I64(4), e=I64(5), f=I64(6), g=I64(7), h=I64(8), i=I64(9), j=I64(10), k=I64(11), l=I64(12), m=I64(13)]"#,
        || {
            info!(
                "13 {m}",
                a = 1,
                b = 2,
                c = 3,
                d = 4,
                e = 5,
                f = 6,
                g = 7,
                h = 8,
                i = 9,
                j = 10,
                k = 11,
                l = 12,
                m = 13
            );
        },
    );
}

macro_rules! two_hundred {
    ($($key:ident)*) => {
        info!("many", $($key = 1),*)
    };
}

#[test]
fn two_hundred_fields_are_no_trouble() {
    let made = records(|| {
        two_hundred!(
            a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 c0 c1 c2 c3 c4 c5 c6 c7 c8 c9
            d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 e0 e1 e2 e3 e4 e5 e6 e7 e8 e9 f0 f1 f2 f3 f4 f5 f6 f7 f8 f9
            g0 g1 g2 g3 g4 g5 g6 g7 g8 g9 h0 h1 h2 h3 h4 h5 h6 h7 h8 h9 i0 i1 i2 i3 i4 i5 i6 i7 i8 i9
            j0 j1 j2 j3 j4 j5 j6 j7 j8 j9 k0 k1 k2 k3 k4 k5 k6 k7 k8 k9 l0 l1 l2 l3 l4 l5 l6 l7 l8 l9
            m0 m1 m2 m3 m4 m5 m6 m7 m8 m9 n0 n1 n2 n3 n4 n5 n6 n7 n8 n9 o0 o1 o2 o3 o4 o5 o6 o7 o8 o9
            p0 p1 p2 p3 p4 p5 p6 p7 p8 p9 q0 q1 q2 q3 q4 q5 q6 q7 q8 q9 r0 r1 r2 r3 r4 r5 r6 r7 r8 r9
            s0 s1 s2 s3 s4 s5 s6 s7 s8 s9 t0 t1 t2 t3 t4 t5 t6 t7 t8 t9
        );
    });
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].matches("=I64(1)").count(), 200);
}

macro_rules! own {
    ($message:literal, $key:ident = $value:expr $(, $more:expr)*) => {{
        // Not what the caller's message captures.
        let total = "wrong";
        info!($message $(, $more)*, $key = $value);
        total
    }};
    (own $value:expr) => {{
        let total = $value;
        info!("own {total}");
    }};
    (level $level:expr, $target:expr, $message:expr) => {
        log!(target: $target, $level, $message)
    };
    (shorthand $variable:expr) => {
        info!($variable)
    };
}

#[test]
fn messages_passed_through_a_macro_capture_where_they_were_written() {
    let total = 5u8;
    all_make(r#"Some("paid 5") [order=I64(7), total=U64(5)]"#, || {
        assert_eq!(own!("paid {total}", order = 3 + 4), "wrong");
    });
    all_make(r#"Some("paid 6 12") [order=I64(7)]"#, || {
        own!("paid {} {}", order = 3 + 4, total + 1, 2 * (total + 1));
    });
    all_make(r#"Some("own 6") [total=U64(6)]"#, || own!(own total + 1));
    all_make(r"None [total=U64(5)]", || own!(shorthand total));
    let made = records(|| own!(level Level::Warn, "db", "x {total}"));
    assert_eq!(made, [r#"WARN db Some("x 5") [total=U64(5)]"#]);
}

#[test]
fn concat_is_folded() {
    let n = 3;
    all_make(r#"Some("a 3 1-2.5c true {x y}") [n=I64(3)]"#, || {
        info!(concat!("a {n} ", 1, -2.5, 'c', " ", true, concat!(" {{", stringify!(x y), "}}")));
    });
    all_make(r#"Some("nexlog-workspace") []"#, || info!(concat!(env!("CARGO_PKG_NAME"))));
}

#[test]
fn values_keep_their_types() {
    let bytes = std::path::Path::new("/tmp/x");
    all_make(
        r#"None [a=Bool(true), b=U64(255), c=I128(-5), d=Char('x'), e=F32(1.5), f=Str("s"), g=I64(4), h=Duration(1.5s), i=Os([47, 116, 109, 112, 47, 120]), j=[I64(1) I64(2)], k=Str("a-b")]"#,
        || {
            info!(
                a = true,
                b = u8::MAX,
                c = -5i128,
                d = 'x',
                e = 1.5f32,
                f = "s",
                g = Some(4),
                none = None::<&str>,
                h = std::time::Duration::from_millis(1500),
                i = bytes,
                j = [1, 2],
                k = format_args!("{}-{}", "a", "b"),
            );
        },
    );
}
