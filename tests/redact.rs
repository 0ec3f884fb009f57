//! What a logger hides by its key leaves the process nowhere as it was: in no format, sink, file or
//! archive, not through records that waited, and not through what a killed process has left.
//!
//! The scenes log a *canary* under keys that are hidden, in each position that a field has. Their
//! parent looks for it in every byte that they left, rings included.

mod support;

use nexlog::{
    Archive, Batch, Compression, Console, Context, Error, File, Json, KIB, Level, Logger, Memory,
    Mode, Output, Overflow, Rotate, Text, Value, WriteError, context, fields, info, instrument,
    log, span, try_log,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;
use support::canary::{CANARY, NUMBER, Shows, find};
use support::child::{self, told};
use support::sinks::Each;
use support::{Folder, MODES, PATIENCE, assert_balanced, lines, mode};

support::child::harness! {
    tests: [
        what_is_hidden_by_its_key_is_nowhere,
        what_a_killed_process_has_left_is_hidden,
        patterns_match_paths,
        what_is_drained_is_gone_from_the_ring,
        secrets_and_what_takes_the_long_way_are_never_in_the_ring,
        a_scope_whose_records_were_dropped_is_hidden,
        the_search_finds_what_is_not_hidden,
        a_bad_pattern_is_named,
        a_builder_shows_nothing_of_it,
        two_loggers_hide_what_each_says,
    ],
    scenes: [everywhere, not_hidden, dies, dies_hiding_nothing, dies_discreetly, drains, drops],
}

/// A logger that writes everywhere at once.
fn builder() -> nexlog::Builder {
    let folder = told("FOLDER");
    let at = |name: &str| File::at(Path::new(&folder).join(name));
    let rotated = |name: &str| at(name).rotate(Rotate::size(2 * KIB)).archive(Archive::sequence());
    nexlog::builder()
        .filter("trace")
        .console(Console::stdout().format(Json::new().source().thread().span_path()))
        .console(Console::stderr().format(Text::compact().source().thread().span_path()))
        .file(rotated("gzip.log").compress(Compression::Gzip).format(Json::new()))
        .file(at("mapped.log").mapped(true).preallocate(64 * KIB).format(Json::new().pretty()))
        .file(at("typed.log").format(Shows))
        .sink(Each(|batch: &Batch<'_>| {
            for record in batch.records() {
                eprintln!("{record:?} {}", serde_json::to_string(&record).unwrap());
            }
            Ok(())
        }))
        .field("password", CANARY)
        .field("deep", BTreeMap::from([("password", NUMBER)]))
        .mode(mode(&told("MODE")))
}

#[derive(Value)]
struct User<'a> {
    name: &'a str,
    token: &'a str,
    #[nexlog(secret)]
    pin: u64,
    inner: Option<Box<User<'a>>>,
}

#[derive(serde::Serialize)]
struct Request<'a> {
    password: &'a str,
    path: &'a str,
}

#[instrument(args)]
fn logs_in(user: &str, password: &str, attempt: u64) {
    info!("inside");
    info!("own", attempt, password);
}

#[instrument(fields(user.token = token, password = attempt))]
async fn awaits(token: &str, attempt: u64) {
    info!("inside");
}

fn log_in_records() {
    let (password, token) = (CANARY, CANARY.to_owned());
    info!("short way", password, user = "ada");
    info!("short way", n = 1, password = NUMBER, flag = true, other = 2.5);
    info!("captured {password} and {token}", user.token = &token, token = "shown");
    info!("formatted {password:?} {password:>30} {0} {0:?}", password);
    info!("named {p:?} {}", password, p = "shown");
    info!("forms", password = display(&token), user.token = debug(&token));
    info!("forms", "user.token" = bytes(CANARY), a.password = password);
    info!("below", password.hash = CANARY, x.token.y = NUMBER);
    info!("error", password = err(&std::io::Error::other(CANARY)));
    info!("nothing", password = None::<u8>, user.token = Some(CANARY));
    log!(Level::Warn, target("audit"), "target {password}", password);
    log!(if NUMBER > 1 { Level::Error } else { Level::Info }, "level", password);
    let made = String::from("made");
    log!(Level::Info, target(made.as_str()), "target at run time", password, n = 1);
    try_log!(Level::Info, "tried", password).unwrap();
    let key = String::from("user.token");
    info!("dynamic", (&key) = CANARY, ("password") = NUMBER);
    let map = BTreeMap::from([("password", CANARY), ("user", "ada"), ("x.token", CANARY)]);
    info!("spliced", ..map, n = 1);
    let pin = NUMBER;
    let inner = User { name: "grace", token: "shown, as it lies deeper", pin, inner: None };
    let user = User { name: "ada", token: &token, pin, inner: Some(Box::new(inner)) };
    info!("nested {user}", user = &user, list = [&user]);
    info!("nested", map = [BTreeMap::from([("a", BTreeMap::from([("password", NUMBER)]))])]);
    info!("serialized", request = serde(&Request { password, path: "/" }));
    info!("serialized", user = serde(&json!({"token": CANARY, "list": [{"password": NUMBER}]})));
    info!(
        "twenty",
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
        m = 13,
        n = 14,
        o = 15,
        p = 16,
        q = 17,
        r = 18,
        s = 19,
        t = 20,
        u = 21,
        password
    );
    info!("large", password, filler = "x".repeat(20_000), user.token = CANARY.repeat(2_000));
    info!("large", ..BTreeMap::from([("password", CANARY.repeat(2_000))]));
}

fn log_in_surroundings(logger: &Logger) {
    let token = CANARY.to_owned();
    let child = logger.with(fields! { password = CANARY, user.token = NUMBER, component = "db" });
    info!(logger(&child), "child");
    info!(logger(&child.with([("password", NUMBER)])), "grandchild");
    let _scope = context!(password = CANARY, tenant = "acme", number = 1);
    info!("in a scope");
    info!("in a scope", filler = "x".repeat(20_000), n = display(1));
    let span = span!("login", user.token = &token, map = BTreeMap::from([("password", NUMBER)]));
    span.in_scope(|| info!("in a span", own = 1));
    let context = Context::current().field("password", NUMBER).field("user.token", CANARY);
    context.in_scope(|| info!("in a context", text = display("long way")));
    std::thread::spawn(context.wrap(|| info!("on another thread"))).join().unwrap();
    logs_in("ada", CANARY, 0);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(awaits(CANARY, NUMBER));
    span!("timed", password = NUMBER).in_scope(|| ());
}

/// Lets the file rotate until what the scene has logged lies in archives, all compressed.
fn rest(logger: &Logger) {
    (0..100_u64).for_each(|number| info!("padding", number));
    logger.flush(PATIENCE).unwrap();
    assert_balanced(&logger.stats());
    support::wait_until("the archives are compressed", || {
        let mut names = std::fs::read_dir(told("FOLDER")).unwrap().map(|e| e.unwrap().path());
        !names.any(|name| {
            let is_archive = name.file_stem().is_some_and(|stem| stem == "gzip.log");
            is_archive && name.extension().is_some_and(|end| end != "gz")
        })
    });
}

fn everywhere() {
    log_in_records();
    {
        let _early = context!(password = CANARY, user.token = NUMBER);
        info!("early, in a scope");
    }
    let builder = builder().redact(["password", "nothing.like.this"]).redact(vec!["*.token"]);
    let logger = builder.spans(nexlog::SpanRecords::OnClose).install().unwrap();
    log_in_records();
    log_in_surroundings(&logger);
    rest(&logger);
}

fn not_hidden() {
    let logger = builder().install().unwrap();
    let password = CANARY;
    info!("short way", password);
    rest(&logger);
}

/// All files below a folder.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            files.extend(files_below(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files
}

/// Their bytes, archives unpacked, by name.
fn bytes_below(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for path in files_below(folder) {
        let name = path.strip_prefix(folder).unwrap().display().to_string();
        if path.extension().is_some_and(|ending| ending == "gz") {
            let output = Command::new("gzip").arg("-dc").arg(&path).output().expect("gzip");
            assert!(output.status.success(), "{name}");
            all.push((format!("{name}, unpacked"), output.stdout));
        }
        all.push((name, std::fs::read(&path).unwrap()));
    }
    all
}

#[track_caller]
fn assert_hidden(of: &str, left: &[(String, Vec<u8>)]) {
    for (name, bytes) in left {
        let found = find(bytes);
        assert!(found.is_none(), "{of}, {name}: {}", found.unwrap());
    }
}

/// What a scene left, by name.
fn left_by(scene: &str, mode: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Folder::new();
    let variables = [("FOLDER", folder.path().to_str().unwrap()), ("MODE", mode)];
    let outcome = child::run(scene, &variables).expect_success();
    let mut left = bytes_below(folder.path());
    left.push(("stdout".to_owned(), outcome.stdout.into_bytes()));
    left.push(("stderr".to_owned(), outcome.stderr.into_bytes()));
    left
}

fn what_is_hidden_by_its_key_is_nowhere() {
    for (mode, _) in MODES {
        let left = left_by("everywhere", mode);
        let archives = left.iter().filter(|(name, _)| name.contains("unpacked")).count();
        assert!(archives >= 2, "{archives} archives");
        assert_hidden(mode, &left);
        // And the rest is there.
        let stdout = left.iter().find(|(name, _)| name == "stdout").unwrap();
        let stdout = std::str::from_utf8(&stdout.1).unwrap();
        let records = lines::parse(&stdout.lines().map(str::to_owned).collect::<Vec<_>>());
        let of = |message: &str| {
            let found = records.iter().find(|record| record["msg"] == message);
            found.unwrap_or_else(|| panic!("{mode}: no {message:?} in {stdout}"))
        };
        assert_eq!(of("captured *** and shown")["user.token"], "***");
        let formatted = of("formatted *** *** *** ***");
        assert_eq!(
            (&formatted["password"], &formatted["deep"]),
            (&json!("***"), &json!({"password": "***"}))
        );
        let user = of("nested {name: ada, token: ***, pin: ***, inner: {name: grace, token: \
                       \"shown, as it lies deeper\", pin: ***}}");
        assert_eq!(user["list"][0]["token"], "***");
        assert_eq!(of("named \"shown\" ***")["p"], "shown");
        let own = of("own");
        assert_eq!((&own["attempt"], &own["user"]), (&json!(0), &json!("ada")));
        let spliced = of("spliced");
        let spliced = (&spliced["password"], &spliced["user"], &spliced["x.token"]);
        assert_eq!(spliced, (&json!("***"), &json!("ada"), &json!("***")));
        assert_eq!(of("child")["component"], "db");
        assert_eq!(of("in a scope")["tenant"], "acme");
        assert_eq!(of("below")["password.hash"], "***");
        assert!(of("nothing").get("password").is_some_and(|v| v == "***"), "the builder's own");
    }
}

fn the_search_finds_what_is_not_hidden() {
    let left = left_by("not_hidden", "background");
    for name in ["stdout", "stderr", "mapped.log", "typed.log", "unpacked"] {
        let found = left.iter().any(|(file, bytes)| file.contains(name) && find(bytes).is_some());
        assert!(found, "{name} of {:?}", left.iter().map(|(name, _)| name).collect::<Vec<_>>());
    }
}

fn log_and_die(patterns: &[&str]) -> ! {
    let file = File::at(Path::new(&told("FOLDER")).join("app.log")).format(Json::new());
    let builder = nexlog::builder().file(file).mode(Mode::Buffered).redact(patterns);
    let builder = builder.flush_interval(Duration::from_secs(3_600)).field("password", CANARY);
    let logger = builder.install().unwrap();
    log_in_records();
    log_in_surroundings(&logger);
    info!("last", password = CANARY, n = 7);
    std::process::abort();
}

fn dies() {
    log_and_die(&["password", "*.token"]);
}

fn dies_hiding_nothing() {
    log_and_die(&[]);
}

fn what_a_killed_process_has_left_is_hidden() {
    let start = |folder: &Folder, patterns: &[&str]| {
        let file = File::at(folder.file("app.log")).format(Json::new());
        drop(nexlog::builder().file(file).redact(patterns).build().unwrap());
    };
    let recover = |folder: &Folder| _ = nexlog::recover(folder.path()).unwrap();
    let by_tool: &dyn Fn(&Folder) = &recover;
    let by_program: &dyn Fn(&Folder) = &|folder| start(folder, &["password", "*.token"]);
    let by_one_that_hides_nothing: &dyn Fn(&Folder) = &|folder| start(folder, &[]);
    for (scene, recover, last_is_hidden) in [
        ("dies", by_tool, true),
        ("dies", by_program, true),
        ("dies", by_one_that_hides_nothing, true),
        // What had been drained before is in the file as it was.
        ("dies_hiding_nothing", by_program, true),
        ("dies_hiding_nothing", by_tool, false),
    ] {
        let folder = Folder::new();
        let variables = [("FOLDER", folder.path().to_str().unwrap())];
        child::run(scene, &variables).expect_signal(libc::SIGABRT);
        let left = bytes_below(folder.path());
        let is_in_ring =
            |(name, bytes): &(String, Vec<u8>)| name.contains("lanes") && find(bytes).is_some();
        assert!(left.iter().any(is_in_ring), "{scene}: as it is said to be");
        recover(&folder);
        let left = bytes_below(folder.path());
        let log = std::fs::read_to_string(folder.file("app.log")).unwrap();
        let last = log.lines().find(|line| line.contains("\"msg\":\"last\"")).unwrap();
        assert_eq!(last.contains("\"password\":\"***\",\"n\":7"), last_is_hidden, "{last}");
        assert_eq!(find(last.as_bytes()).is_none(), last_is_hidden, "{last}");
        if scene == "dies" {
            assert_hidden(scene, &left);
            let captured = "\"msg\":\"captured *** and shown\",\"user.token\":\"***\"";
            assert!(log.contains(captured), "{log}");
        }
    }
}

fn dies_discreetly() {
    let file = File::at(Path::new(&told("FOLDER")).join("app.log")).format(Json::new());
    let builder = nexlog::builder().file(file).mode(Mode::Buffered).redact(["password", "*.token"]);
    let builder = builder.flush_interval(Duration::from_secs(3_600)).field("password", CANARY);
    let logger = builder.install().unwrap();
    let password = CANARY;
    let user = User { name: "ada", token: CANARY, pin: NUMBER, inner: None };
    info!("marked", password = secret(CANARY), pin = secret(NUMBER), n = 1);
    info!("derived", user = &user);
    info!("rendered {password:?} {}", password, user.token = debug(CANARY), n = 2);
    info!("nested", map = BTreeMap::from([("password", NUMBER)]), list = [&user]);
    info!("serialized", request = serde(&Request { password, path: "/" }));
    info!("dynamic", ("password") = CANARY, ..BTreeMap::from([("x.token", CANARY)]));
    log!(Level::Info, logger(&logger.with([("password", CANARY)])), "of a logger");
    let _scope = context!(password = secret(CANARY), user.token = secret(NUMBER));
    info!("last", n = 7);
    std::process::abort();
}

fn secrets_and_what_takes_the_long_way_are_never_in_the_ring() {
    let folder = Folder::new();
    let variables = [("FOLDER", folder.path().to_str().unwrap())];
    child::run("dies_discreetly", &variables).expect_signal(libc::SIGABRT);
    let left = bytes_below(folder.path());
    let holds = |name: &str, text: &str| {
        let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        left.iter().any(|(file, bytes)| file.contains(name) && holds(bytes))
    };
    assert!(holds("lanes", "ada") && holds("lanes", "serialized"), "the records are there");
    assert_hidden("dies_discreetly", &left);
    assert_eq!(nexlog::recover(folder.path()).unwrap().recovered, 8);
    let log = std::fs::read_to_string(folder.file("app.log")).unwrap();
    assert_eq!(
        log.lines().filter(|line| line.contains("\"password\":\"***\"")).count(),
        8,
        "{log}"
    );
}

/// A logger that drains at each call has nothing of it in its ring afterwards.
fn drains() {
    let folder = PathBuf::from(told("FOLDER"));
    let file = File::at(folder.join("app.log")).format(Json::new());
    let builder = nexlog::builder().file(file).redact(["password", "*.token"]);
    let logger = builder.mode(Mode::Immediate).field("password", CANARY).install().unwrap();
    let _scope = context!(user.token = CANARY, n = 1);
    for number in 0..50 {
        info!("kept", number, password = CANARY);
        info!("kept {number}", user = BTreeMap::from([("token", CANARY)]), password = NUMBER);
    }
    logger.flush(PATIENCE).unwrap();
    let left = bytes_below(&folder);
    assert!(left.iter().any(|(name, _)| name.contains("lanes")), "a ring");
    assert_hidden("drains", &left);
}

fn what_is_drained_is_gone_from_the_ring() {
    let folder = Folder::new();
    child::run("drains", &[("FOLDER", folder.path().to_str().unwrap())]).expect_success();
}

/// Whether the worker of `drops` is held, outside of all locks.
static IS_HELD: AtomicBool = AtomicBool::new(false);
static MAY_GO: AtomicBool = AtomicBool::new(false);

/// The oldest half of a thread's buffer is dropped, with the scope that later records are in.
fn drops() {
    let sink = Each(|batch: &Batch<'_>| {
        if !IS_HELD.load(SeqCst) {
            return Err(WriteError::from(std::io::Error::other("so that the worker tells")));
        }
        std::io::Write::write_all(&mut std::io::stdout(), batch.bytes())?;
        Ok(())
    });
    let hold = |_: &Error| {
        IS_HELD.store(true, SeqCst);
        support::wait_until("the buffer was full", || MAY_GO.load(SeqCst));
    };
    let builder = nexlog::builder().sink(Output::to(sink).format(Json::new())).on_error(hold);
    let builder = builder.redact(["password"]).overflow(Overflow::DropOldest).lane_bytes(48 * KIB);
    let logger = builder.mode(Mode::Background).install().unwrap();
    info!("the sink fails");
    support::wait_until("the worker is held", || IS_HELD.load(SeqCst));
    let _scope = context!(password = CANARY);
    let _inner = context!(map = BTreeMap::from([("password", NUMBER)]));
    for number in 0..700_u64 {
        info!("some", number, text = "0123456789012345678901234567890123456789");
    }
    MAY_GO.store(true, SeqCst);
    logger.flush(PATIENCE).unwrap();
    assert!(logger.stats().dropped_by.oldest > 100, "{:?}", logger.stats());
}

fn a_scope_whose_records_were_dropped_is_hidden() {
    let outcome = child::run("drops", &[]).expect_success();
    let left = [("stdout".to_owned(), outcome.stdout.clone().into_bytes())];
    assert_hidden("drops", &left);
    assert!(outcome.stdout.contains("\"password\":\"***\""), "{}", outcome.stdout);
}

/// The fields of a record of `password`s here and there, with these patterns.
fn shown(patterns: &[&str]) -> serde_json::Value {
    let memory = Memory::new();
    let logger = nexlog::builder().sink(memory.clone()).redact(patterns).build().unwrap();
    let user = BTreeMap::from([("token", "b"), ("name", "ada")]);
    let deep = BTreeMap::from([("user", [BTreeMap::from([("token", "c")])])]);
    info!(logger(&logger), "m", token = "a", user, deep, user.token = "d", tokens = "e");
    let mut record = lines::parse(&memory.lines()).remove(0);
    let fields = ["token", "user", "deep", "user.token", "tokens"];
    fields.iter().map(|key| ((*key).to_owned(), record[*key].take())).collect()
}

fn patterns_match_paths() {
    let all = |token: &str, user: &str, deep: &str, dotted: &str| {
        json!({
            "token": token, "user": {"name": "ada", "token": user},
            "deep": {"user": [{"token": deep}]}, "user.token": dotted, "tokens": "e",
        })
    };
    assert_eq!(shown(&[]), all("a", "b", "c", "d"));
    assert_eq!(shown(&["token"]), all("***", "***", "***", "***"));
    assert_eq!(shown(&["*.token"]), all("a", "***", "c", "***"));
    assert_eq!(shown(&["user.token"]), all("a", "***", "c", "***"));
    assert_eq!(shown(&["*.*.token"]), all("a", "b", "***", "d"));
    assert_eq!(shown(&["deep.user.token"]), all("a", "b", "***", "d"));
    assert_eq!(shown(&["Token", "toke", "user.tok"]), all("a", "b", "c", "d"));
    let whole = shown(&["user"]);
    assert_eq!((&whole["user"], &whole["deep"]), (&json!("***"), &json!({"user": "***"})));
    assert_eq!(whole["user.token"], "***", "what lies below a hidden key");
    assert_eq!(shown(&["*"])["tokens"], "***");
}

fn a_builder_shows_nothing_of_it() {
    let builder = nexlog::builder().field("password", CANARY).field("service", "shop");
    let shown = format!("{:?}", builder.redact(["password"]));
    assert!(find(shown.as_bytes()).is_none() && shown.contains("shop"), "{shown}");
}

fn a_bad_pattern_is_named() {
    for (pattern, remedy) in [
        ("", "is empty"),
        ("user..token", "user.token"),
        (".token", "user.token"),
        ("tok*", "*.token"),
        ("**.token", "every depth"),
    ] {
        let built = nexlog::builder().sink(Memory::new()).redact(["fine", pattern]).build();
        let error = built.unwrap_err().to_string();
        assert!(error.contains("`redact`") && error.contains(&format!("`{pattern}`")), "{error}");
        assert!(error.contains(remedy), "{error}");
    }
}

fn two_loggers_hide_what_each_says() {
    let memories = [Memory::new(), Memory::new()];
    let build = |memory: &Memory, pattern| {
        nexlog::builder().sink(memory.clone()).redact([pattern]).build().unwrap()
    };
    let loggers = [build(&memories[0], "a"), build(&memories[1], "b")];
    for logger in &loggers {
        // One call site, one scope.
        let _scope = context!(c = BTreeMap::from([("a", 1), ("b", 2)]));
        info!(logger(logger), "m", a = 1, b = 2);
    }
    let shown = memories.map(|memory| lines::parse(&memory.lines()).remove(0));
    assert_eq!((&shown[0]["a"], &shown[0]["b"]), (&json!("***"), &json!(2)));
    assert_eq!((&shown[1]["a"], &shown[1]["b"]), (&json!(1), &json!("***")));
    assert_eq!(shown[0]["c"], json!({"a": "***", "b": 2}));
    assert_eq!(shown[1]["c"], json!({"a": 1, "b": "***"}));
}
