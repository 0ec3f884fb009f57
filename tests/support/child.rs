//! Children: the test binary runs itself again, as a program with a `main` of its own.
//!
//! Test binaries that need this have `harness = false` and call [`harness!`]. A *scene* is a
//! function that such a child runs on its main thread, between the start of `main` and its
//! return, so that exits, panics and thread-local destructors are those of a real program.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::PATIENCE;

const SCENE: &str = "NEXLOG_TEST_SCENE";

/// Makes `main`: runs the scene that the environment names, else the tests.
#[allow(unused_macros)] // not every binary has children
macro_rules! harness {
    (tests: [$($test:ident),* $(,)?], scenes: [$($scene:ident),* $(,)?] $(,)?) => {
        fn main() {
            $crate::support::child::main(
                &[$((stringify!($test), $test as fn())),*],
                &[$((stringify!($scene), $scene as fn())),*],
            );
        }
    };
}
#[allow(unused_imports)]
pub(crate) use harness;

/// Makes `main`: each test is a scene of its own, in a child of its own. For what a process has
/// only one of.
#[allow(unused_macros)] // as above
macro_rules! alone {
    ($($test:ident),* $(,)?) => {
        fn main() {
            $crate::support::child::main(
                &[$((stringify!($test), || {
                    $crate::support::child::run(stringify!($test), &[]).expect_success();
                })),*],
                &[$((stringify!($test), $test as fn())),*],
            );
        }
    };
}
#[allow(unused_imports)]
pub(crate) use alone;

type Named = (&'static str, fn());

/// Behind [`harness!`]. Understands the part of the test harness's arguments that cargo uses.
pub fn main(tests: &[Named], scenes: &[Named]) {
    if let Ok(wanted) = std::env::var(SCENE) {
        let scene = scenes.iter().find(|(name, _)| *name == wanted).expect("a scene's name");
        return scene.1();
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_exact = arguments.iter().any(|argument| argument == "--exact");
    let filters: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    let is_wanted = |name: &str| {
        filters.is_empty()
            || filters.iter().any(|f| if is_exact { name == *f } else { name.contains(*f) })
    };
    let wanted: Vec<&Named> = tests.iter().filter(|(name, _)| is_wanted(name)).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        return wanted.iter().for_each(|(name, _)| println!("{name}: test"));
    }
    println!("\nrunning {} tests", wanted.len());
    let mut failed = 0;
    for (name, test) in &wanted {
        let started = Instant::now();
        let outcome = std::panic::catch_unwind(test);
        failed += usize::from(outcome.is_err());
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("test {name} ... {word} ({:.1} s)", started.elapsed().as_secs_f32());
    }
    println!("\ntest result: {} passed; {failed} failed\n", wanted.len() - failed);
    if failed > 0 {
        std::process::exit(101);
    }
}

/// What a child left.
#[derive(Debug)]
pub struct Outcome {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl Outcome {
    /// Fails the test when the child did not return from `main` as it should.
    #[track_caller]
    pub fn expect_success(self) -> Outcome {
        assert!(self.status.success(), "{self:#?}");
        self
    }

    /// Fails the test when the child did not exit with this code.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Outcome {
        assert_eq!(self.status.code(), Some(code), "{self:#?}");
        self
    }

    /// Fails the test when the child did not die of this signal.
    #[track_caller]
    pub fn expect_signal(self, signal: i32) -> Outcome {
        assert_eq!(self.status.signal(), Some(signal), "{self:#?}");
        self
    }
}

/// This program again, to run `scene`. The environment knows nothing of nexlog but `variables`.
pub fn command(scene: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the path of this program"));
    clean(&mut command).env(SCENE, scene);
    command.envs(variables.iter().copied());
    command
}

/// Takes everything away that a logger would read from the environment.
pub fn clean(command: &mut Command) -> &mut Command {
    for name in
        ["NEXLOG", "RUST_LOG", "NEXLOG_LEVEL", "NEXLOG_FILE", "NEXLOG_FORMAT", "NEXLOG_CONFIG"]
    {
        command.env_remove(name);
    }
    command.env_remove("RUST_BACKTRACE").stdin(Stdio::null())
}

/// Runs a scene to its end.
#[track_caller]
pub fn run(scene: &str, variables: &[(&str, &str)]) -> Outcome {
    finish(command(scene, variables))
}

/// Runs a command to its end. One that hangs is killed and fails the test.
#[track_caller]
pub fn finish(mut command: Command) -> Outcome {
    let started = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a child");
    let stdout = read_on_a_thread(child.stdout.take());
    let stderr = read_on_a_thread(child.stderr.take());
    let end = started + PATIENCE * super::slower();
    let status = loop {
        match child.try_wait().expect("the child's state") {
            Some(status) => break Some(status),
            None if Instant::now() > end => break None,
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    if status.is_none() {
        let _ = child.kill();
    }
    let killed = child.wait().expect("the child's end");
    let (stdout, stderr) = (stdout.join().expect("stdout"), stderr.join().expect("stderr"));
    let outcome =
        Outcome { status: status.unwrap_or(killed), stdout, stderr, took: started.elapsed() };
    assert!(status.is_some(), "the child hung: {command:?} {outcome:#?}");
    outcome
}

fn read_on_a_thread(stream: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.map(|mut stream| stream.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// What a scene was told.
pub fn told(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("the scene needs {name}"))
}

/// The next line that a child says, whose standard output is a pipe.
#[track_caller]
pub fn read_line(child: &mut std::process::Child) -> String {
    let mut line = Vec::new();
    let out = child.stdout.as_mut().expect("a pipe");
    let mut byte = [0];
    while out.read(&mut byte).expect("a byte") == 1 && byte != *b"\n" {
        line.push(byte[0]);
    }
    String::from_utf8(line).expect("UTF-8")
}
