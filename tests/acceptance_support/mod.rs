//! What the acceptance tests share: a logger of one's own with a JSON file and a text file, and
//! the files read back as anybody else would read them.

#![allow(dead_code)] // each test program uses its part

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use nexlog::{File, Json, Logger, Text};
use serde_json::Value;

/// A folder of its own, gone with the value.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("nexlog-acceptance-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub fn lines(&self, name: &str) -> Vec<String> {
        self.text(name).lines().map(str::to_owned).collect()
    }

    pub fn records(&self, name: &str) -> Vec<Record> {
        self.lines(name).iter().map(|line| Record::parse(line)).collect()
    }

    pub fn root(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// One JSON line: its keys and values in their order, duplicates included.
#[derive(Debug, Clone)]
pub struct Record {
    pub line: String,
    pub pairs: Vec<(String, Value)>,
}

impl Record {
    pub fn parse(line: &str) -> Record {
        let whole: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert!(whole.is_object(), "{line}");
        let mut pairs = Vec::new();
        let mut rest = line.strip_prefix('{').unwrap();
        while rest != "}" {
            let key = next(&mut rest);
            rest = rest.strip_prefix(':').unwrap_or_else(|| panic!("no colon: {line}"));
            let value = next(&mut rest);
            pairs.push((key.as_str().unwrap().to_owned(), value));
            rest = rest.strip_prefix(',').unwrap_or(rest);
        }
        Record { line: line.to_owned(), pairs }
    }

    pub fn keys(&self) -> Vec<&str> {
        self.pairs.iter().map(|(key, _)| key.as_str()).collect()
    }

    /// The value of a key that must be there once.
    pub fn get(&self, key: &str) -> &Value {
        let mut all = self.pairs.iter().filter(|(other, _)| other == key);
        let (_, value) = all.next().unwrap_or_else(|| panic!("no `{key}`: {}", self.line));
        assert!(all.next().is_none(), "`{key}` twice: {}", self.line);
        value
    }

    pub fn has(&self, key: &str) -> bool {
        self.pairs.iter().any(|(other, _)| other == key)
    }

    /// The value as it stands in the line.
    pub fn raw(&self, key: &str) -> String {
        self.get(key).to_string()
    }

    pub fn msg(&self) -> &str {
        self.get("msg").as_str().unwrap()
    }

    /// What the record's own fields are: everything after `ts level target msg`.
    pub fn fields(&self) -> String {
        let own = |key: &str| !matches!(key, "ts" | "level" | "target" | "msg");
        let fields = self.pairs.iter().filter(|(key, _)| own(key));
        fields.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
    }
}

fn next(rest: &mut &str) -> Value {
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
    let value = values.next().unwrap().unwrap_or_else(|e| panic!("{e}: {rest}"));
    let end = values.byte_offset();
    *rest = &rest[end..];
    value
}

/// A logger that lets everything through, into `a.json` and `a.txt` of its own folder.
pub struct Desk {
    pub logger: Logger,
    pub folder: Folder,
}

impl Desk {
    pub fn new() -> Desk {
        let folder = Folder::new();
        let logger = nexlog::builder()
            .filter("trace")
            .file(File::at(folder.path("a.json")).format(Json::new()))
            .file(File::at(folder.path("a.txt")).format(Text::compact()))
            .build()
            .unwrap();
        Desk { logger, folder }
    }

    pub fn records(&self) -> Vec<Record> {
        self.folder.records("a.json")
    }

    pub fn last(&self) -> Record {
        self.records().pop().expect("a record")
    }

    pub fn texts(&self) -> Vec<String> {
        self.folder.lines("a.txt")
    }

    pub fn last_text(&self) -> String {
        self.texts().pop().expect("a record")
    }
}

/// This test program again, running only its test `part`, with `PLAY=play`, without the
/// variables that would set a logger up.
pub fn child(play: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["part", "--exact", "--nocapture", "--test-threads=1"]);
    for name in [
        "NEXLOG",
        "NEXLOG_LEVEL",
        "NEXLOG_COLOR",
        "NEXLOG_FILE",
        "NEXLOG_FORMAT",
        "RUST_LOG",
        "NO_COLOR",
        "CLICOLOR_FORCE",
        "CLICOLOR",
        "TERM",
    ] {
        command.env_remove(name);
    }
    command.env("PLAY", play);
    command
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
