//! What is marked as a secret, or was never asked for, leaves the process nowhere: in no file and
//! no archive, compressed or mapped, on no stream, and not through a sink or format of a user's.
//!
//! The scenes log a *canary* by each way it could get out. Their parent looks for it in every
//! byte that they left, as it is, in part, as hex, and as the list of numbers that `Debug` makes.

mod support;

use nexlog::{
    Archive, Batch, Buffer, Compression, Console, Context, Error, File, FutureExt, Json, KIB,
    Level, Logger, Memory, Output, Rotate, Text, Value, ValueWriter, context, error, fields, info,
    instrument, log, span, try_log,
};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use support::canary::{CANARY, NUMBER, Shows, find};
use support::child::{self, told};
use support::sinks::Each;
use support::{Folder, MODES, PATIENCE, assert_balanced, mode};

support::child::harness! {
    tests: [
        a_secret_is_in_no_record,
        a_secret_is_in_no_scope_and_no_span,
        a_secret_is_in_no_chain_of_errors,
        an_argument_that_is_skipped_is_nowhere,
        what_nexlog_shows_of_itself_has_no_secret,
        what_is_cut_off_or_never_finished_is_nowhere,
        the_search_finds_what_is_not_hidden,
    ],
    scenes: [values, surroundings, errors, arguments, own_types, cut, betrayed],
}

/// A logger that writes everywhere at once.
fn install() -> Logger {
    let folder = told("FOLDER");
    let at = |name: &str| File::at(Path::new(&folder).join(name));
    let rotated = |name: &str| at(name).rotate(Rotate::size(2 * KIB)).archive(Archive::sequence());
    nexlog::builder()
        .filter("trace")
        .console(Console::stdout().format(Json::new().source().thread().span_path()))
        .console(Console::stderr().format(Text::compact().source().thread().span_path()))
        .file(rotated("gzip.log").compress(Compression::Gzip))
        .file(rotated("zstd.log").compress(Compression::Zstd).format(Text::compact()))
        .file(rotated("plain.log").format(Json::new().nested_under("fields")))
        .file(at("mapped.log").mapped(true).preallocate(64 * KIB).format(Json::new().pretty()))
        .file(at("typed.log").format(Shows))
        .sink(Each(|batch: &Batch<'_>| {
            batch.records().for_each(|record| eprintln!("{record:?}"));
            Ok(())
        }))
        .field("hidden", Hidden(CANARY))
        .max_record_bytes(8 * KIB)
        .mode(mode(&told("MODE")))
        .install()
        .unwrap()
}

/// Lets the files rotate until what the scene has logged lies in archives, all compressed.
fn rest(logger: &Logger) {
    (0..100_u64).for_each(|number| info!("padding", number));
    logger.flush(PATIENCE).unwrap();
    assert_balanced(&logger.stats());
    let is_waiting = |name: &Path| {
        let is_numbered = name.extension().is_some_and(|end| end != "gz" && end != "zst");
        is_numbered && name.file_stem().is_some_and(|stem| stem == "gzip.log" || stem == "zstd.log")
    };
    support::wait_until("the archives are compressed", || {
        let mut names = std::fs::read_dir(told("FOLDER")).unwrap().map(|e| e.unwrap().file_name());
        !names.any(|name| is_waiting(Path::new(&name)))
    });
}

/// A type that keeps its text to itself.
struct Hidden<'a>(#[expect(dead_code, reason = "nothing shows it")] &'a str);

impl Value for Hidden<'_> {
    fn record(&self, out: ValueWriter<'_>) {
        out.secret();
    }
}

#[derive(Debug)]
#[expect(dead_code, reason = "what `Debug` shows")]
struct Login<'a> {
    user: &'a str,
    password: &'a str,
}

fn values() {
    let memory = Memory::new();
    let local = nexlog::builder().sink(memory.clone().format(Shows)).build().unwrap();
    let login = Login { user: "ada", password: CANARY };
    let (password, key) = (CANARY.to_owned(), "token".to_owned());
    let map = BTreeMap::from([("in_a_map", Hidden(CANARY)), ("again", Hidden(CANARY))]);
    let log_all = |when: &str| {
        info!("login", when, token = secret(&password), number = secret(NUMBER));
        info!("login {token}", when, token = secret(&login));
        info!("login", token:secret = password.as_str(), when);
        info!("login", (&key) = secret(password.as_bytes()), when);
        info!("login", ..map, list = [Hidden(CANARY)], tuple = (1, Hidden(CANARY)), when);
        info!("login", shown = display("long way"), token = secret(&login));
        log!(Level::Info, target("audit"), "login", token = secret(password.clone()));
        try_log!(Level::Error, "login", token = secret([CANARY; 3])).unwrap();
        info!(
            "login",
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
            token = secret(&password),
            optional = secret(Some(NUMBER)),
        );
        info!(logger(&local), "login", token = secret(&password), typed = Hidden(CANARY));
    };
    log_all("before there is a logger");
    let logger = install();
    log_all("in time");
    let child = logger.with(fields! { token = secret(&password), typed = Hidden(CANARY) });
    info!(logger(&child), "login");
    memory.lines().iter().for_each(|line| println!("{line}"));
    assert!(memory.lines().iter().any(|line| line.contains("Secret")));
    rest(&logger);
}

fn surroundings() {
    let logger = install();
    let token = CANARY.to_owned();
    let _scope = context!(token = secret(&token), number = secret(NUMBER), tenant = "acme");
    let span = span!("login", session = secret(&token), typed = Hidden(CANARY));
    span.in_scope(|| info!("inside", own = 1));
    let context = Context::current().field("more", Hidden(CANARY)).user_id(Hidden(CANARY));
    context.in_scope(|| info!("inside", text = display("long way")));
    std::thread::spawn(context.wrap(|| info!("on another thread"))).join().unwrap();
    let record = async { info!("in a future") }.in_span(span.clone());
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(record);
    eprintln!("{context:?} {span:?} {:?}", fields! { token = secret(&token) });
    drop(span);
    rest(&logger);
}

/// Its text is harmless; its cause's is not, nor what `Debug` shows of either.
#[derive(Debug)]
struct Refused(Leaks);

#[derive(Debug)]
struct Leaks(&'static str);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl fmt::Display for Leaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wrong password {}", self.0)
    }
}

impl std::error::Error for Leaks {}

/// Shows it in `Debug` only.
#[derive(Debug)]
#[expect(dead_code, reason = "what `Debug` shows")]
struct Discreet(&'static str);

impl fmt::Display for Discreet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("discreet")
    }
}

impl std::error::Error for Discreet {}

#[instrument(skip_all, err)]
fn fails(token: &'static str) -> Result<u32, Discreet> {
    Err(Discreet(token))
}

fn errors() {
    let logger = install();
    let refused = Refused(Leaks(CANARY));
    let boxed: Box<dyn std::error::Error> = Box::new(Refused(Leaks(CANARY)));
    error!("refused", error = secret(&refused), boxed = secret(&boxed));
    error!("only its own text", error = display(&refused));
    let _scope = context!(error = secret(&refused));
    error!("refused", error = err(&Discreet(CANARY)));
    assert!(fails(CANARY).is_err());
    rest(&logger);
}

#[instrument(skip(password, number))]
fn skips(user: &str, password: &str, number: u64) -> usize {
    info!("inside");
    password.len() + usize::from(number > 0)
}

#[instrument(skip_all, fields(user), ret)]
fn skips_all(user: &str, password: &str) -> usize {
    info!("inside");
    password.len()
}

#[instrument]
fn asks_for_nothing(login: &Login<'_>) {
    info!("inside", of = std::mem::size_of_val(login));
}

#[instrument(fields(user, password = secret(password)))]
async fn hides(user: &str, password: &str) {
    info!("inside");
}

struct Account(&'static str);

impl Account {
    #[instrument(args, skip(self, pin))]
    fn opens(&self, user: &str, pin: u64) -> bool {
        info!("inside");
        self.0.len() as u64 > pin
    }
}

fn arguments() {
    let logger = install();
    skips("ada", CANARY, NUMBER);
    skips_all("ada", CANARY);
    asks_for_nothing(&Login { user: "ada", password: CANARY });
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(hides("ada", CANARY));
    assert!(!Account(CANARY).opens("ada", NUMBER));
    rest(&logger);
}

/// All that has a `Debug` of nexlog's own, while it holds or has held the canary.
fn own_types() {
    let logger = install();
    let memory = Memory::new();
    let local = nexlog::builder().sink(memory.clone()).field("f", CANARY).build().unwrap();
    info!(logger(&local), "kept", token = CANARY);
    let child = local.with(fields! { token = CANARY });
    let mut buffer = Buffer::new();
    buffer.push_str(CANARY);
    let future = std::pin::pin!(async { CANARY }.in_span(span!("future")));
    let output = Output::to(Each(|_: &Batch<'_>| Ok(()))).format(Json::new());
    let path = Path::new(&told("FOLDER")).join("\0");
    let failed: Error = nexlog::builder().file(File::at(path)).build().unwrap_err();
    let scope = context!(token = secret(CANARY));
    let span = span!("login", token = secret(CANARY)).entered();
    let types: [&dyn fmt::Debug; 13] = [
        &logger,
        &local,
        &child,
        &memory,
        &buffer,
        &future,
        &output,
        &failed,
        &scope,
        &span,
        &logger.stats(),
        &Context::current(),
        &fields! { token = secret(CANARY) },
    ];
    for value in types {
        eprintln!("{value:?} {value:#?}");
        info!("shown", value = debug(value));
    }
    drop((span, scope));
    rest(&logger);
}

/// Shows half a canary's worth of text, the canary, and panics.
struct Panics;

impl fmt::Display for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "half {CANARY}")?;
        panic!("on purpose");
    }
}

fn cut() {
    let logger = install();
    let far = format!("{}{CANARY}", "x".repeat(20_000));
    info!("cut", text = &far);
    info!("cut", text = display(&far), token = secret(&far));
    info!("cut", text = "x".repeat(20_000), token = secret(CANARY), typed = Hidden(CANARY));
    info!("cut", list = ["x".repeat(20_000), CANARY.repeat(2_000)]);
    info!("cut {far}");
    {
        let _scope = context!(text = &far, token = secret(CANARY));
        info!("in a scope that is cut");
    }
    assert!(
        catch_unwind(AssertUnwindSafe(|| info!("never whole", value = display(Panics)))).is_err()
    );
    // Refused by the filter: not written, and not kept for the next record to show.
    logger.set_filter("error").unwrap();
    info!("not wanted", token = CANARY, text = display(CANARY));
    logger.set_filter("trace").unwrap();
    info!("after", text = display("x"));
    rest(&logger);
}

/// The opposite: by each way out, what nobody hides gets out.
fn betrayed() {
    let logger = install();
    info!("shown", token = CANARY);
    rest(&logger);
}

/// Runs a scene in every mode; what it left, by name.
fn left_by(scene: &str, mode: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Folder::new();
    let variables = [("FOLDER", folder.path().to_str().unwrap()), ("MODE", mode)];
    let outcome = child::run(scene, &variables);
    assert!(outcome.status.success(), "{scene} {mode}: {}", outcome.stderr);
    let mut left = vec![
        ("stdout".to_owned(), outcome.stdout.into_bytes()),
        ("stderr".to_owned(), outcome.stderr.into_bytes()),
    ];
    for entry in std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let unpacked = match entry.path().extension().and_then(|ending| ending.to_str()) {
            Some("gz") => Some(unpack("gzip", &entry.path())),
            Some("zst") => Some(unpack("zstd", &entry.path())),
            _ => None,
        };
        left.extend(unpacked.map(|bytes| (format!("{name}, unpacked"), bytes)));
        left.push((name, std::fs::read(entry.path()).unwrap()));
    }
    left
}

fn unpack(program: &str, path: &Path) -> Vec<u8> {
    let output = Command::new(program).arg("-dc").arg(path).output().expect(program);
    assert!(output.status.success(), "{}", path.display());
    output.stdout
}

/// Whether the program that unpacks zstd's archives is here; where tests must be whole, it is.
fn can_unpack() -> bool {
    support::is_there(&mut Command::new("zstd"), "zstd")
}

#[track_caller]
fn assert_hidden(scene: &str) {
    if !can_unpack() {
        return;
    }
    for (mode, _) in MODES {
        let left = left_by(scene, mode);
        let archives = left.iter().filter(|(name, _)| name.contains("unpacked")).count();
        assert!(archives >= 2, "{archives} archives");
        for (name, bytes) in left {
            let found = find(&bytes);
            assert!(found.is_none(), "{scene}, {mode}, {name}: {}", found.unwrap());
        }
    }
}

fn a_secret_is_in_no_record() {
    assert_hidden("values");
}

fn a_secret_is_in_no_scope_and_no_span() {
    assert_hidden("surroundings");
}

fn a_secret_is_in_no_chain_of_errors() {
    assert_hidden("errors");
}

fn an_argument_that_is_skipped_is_nowhere() {
    assert_hidden("arguments");
}

fn what_nexlog_shows_of_itself_has_no_secret() {
    assert_hidden("own_types");
}

fn what_is_cut_off_or_never_finished_is_nowhere() {
    assert_hidden("cut");
}

fn the_search_finds_what_is_not_hidden() {
    if !can_unpack() {
        return;
    }
    let left = left_by("betrayed", "background");
    for name in ["stdout", "stderr", "mapped.log", "typed.log", "gzip.log", "zstd.log", "plain.log"]
    {
        let found = left.iter().any(|(file, bytes)| file.contains(name) && find(bytes).is_some());
        assert!(found, "{name} of {:?}", left.iter().map(|(name, _)| name).collect::<Vec<_>>());
    }
    assert!(find(&[b"..", &CANARY.as_bytes()[3..]].concat()).is_some());
    assert!(find(format!("{:?}", CANARY.as_bytes()).as_bytes()).is_some());
    assert!(find(&NUMBER.to_le_bytes()).is_some() && find(&NUMBER.to_be_bytes()).is_some());
}
