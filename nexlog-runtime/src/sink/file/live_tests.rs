//! The file sink on real files, and on a disk whose faults are scripted.

use std::fs;
use std::path::PathBuf;

use super::super::fake::{Fake, write};
use super::super::system::LiveFile;
use super::*;
use crate::sink::file::{Archive, Keep};
use crate::sink::whole::testing::Step;

/// A folder that is gone after the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("nexlog-file-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn error(path: impl Into<PathBuf>) -> String {
    FileSink::open(&File::at(path)).err().expect("refused").with_causes().to_string()
}

#[test]
fn records_are_appended_and_folders_made() {
    let folder = Folder::new("append");
    let file = File::at(folder.at("a/b/app.log"));
    for round in ["1\n", "2\n"] {
        let mut sink = FileSink::open(&file).unwrap();
        write(&mut sink, &[round, "x\n"]).unwrap();
        sink.sync().unwrap();
    }
    assert_eq!(fs::read(&file.path).unwrap(), b"1\nx\n2\nx\n");
}

#[test]
fn a_torn_line_of_a_dead_process_is_ended_before_ours() {
    let folder = Folder::new("torn");
    let file = File::at(folder.at("app.log"));
    fs::write(&file.path, "whole\nto").unwrap();
    let mut sink = FileSink::open(&file).unwrap();
    assert_eq!(fs::read(&file.path).unwrap(), b"whole\nto", "opening writes nothing");
    write(&mut sink, &["a\n"]).unwrap();
    write(&mut sink, &["b\n"]).unwrap();
    assert_eq!(fs::read(&file.path).unwrap(), b"whole\nto\na\nb\n");
}

#[test]
fn a_binary_format_gets_no_newline() {
    let folder = Folder::new("binary");
    let file = File::at(folder.at("app.bin"));
    fs::write(&file.path, [1, 2]).unwrap();
    write(&mut FileSink::open(&file).unwrap(), &["\u{3}"]).unwrap();
    assert_eq!(fs::read(&file.path).unwrap(), [1, 2, 3]);
}

#[test]
fn the_same_file_twice_is_refused_under_any_path_until_it_is_closed() {
    let folder = Folder::new("twice");
    let first = FileSink::open(&File::at(folder.at("app.log"))).unwrap();
    let text = error(folder.at("../").join(folder.0.file_name().unwrap()).join("app.log"));
    assert!(text.contains("this process logs to it already"), "{text}");
    drop(first);
    FileSink::open(&File::at(folder.at("app.log"))).unwrap();
}

#[test]
fn an_error_names_path_cause_and_remedy() {
    let folder = Folder::new("errors");
    let text = error(&folder.0);
    assert!(text.contains(&format!("cannot open the log file `{}`", folder.0.display())), "{text}");
    assert!(text.contains("it is a folder") && text.contains("name a file in it"), "{text}");
    assert!(error("").contains("the path names no file"));
    fs::write(folder.at("plain"), "").unwrap();
    let text = error(folder.at("plain/app.log"));
    assert!(text.contains("a part of the path is a file"), "{text}");
    let file = File::at(folder.at("m.log"));
    for mode in [0o1777, 0o440] {
        let error = FileSink::open(&file.clone().mode(mode)).err().unwrap().to_string();
        assert!(error.starts_with(&format!("option `mode`: 0o{mode:o}: ")), "{error}");
    }
    assert!(!file.path.exists());
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_new_file_has_its_mode_whatever_the_umask_and_an_old_one_keeps_its_own() {
        let folder = Folder::new("mode");
        FileSink::open(&File::at(folder.at("private.log"))).unwrap();
        assert_eq!(mode(&folder.at("private.log")), 0o600);
        let shared = File::at(folder.at("shared.log")).mode(0o666);
        FileSink::open(&shared).unwrap();
        assert_eq!(mode(&shared.path), 0o666);
        FileSink::open(&shared.mode(0o600)).unwrap();
        assert_eq!(mode(&folder.at("shared.log")), 0o666);
    }

    #[test]
    fn links_are_refused_and_what_they_lead_to_is_not_touched() {
        let folder = Folder::new("links");
        fs::write(folder.at("victim"), "precious").unwrap();
        symlink(folder.at("victim"), folder.at("link.log")).unwrap();
        symlink(folder.at("missing"), folder.at("dangling.log")).unwrap();
        fs::hard_link(folder.at("victim"), folder.at("hard.log")).unwrap();
        for name in ["link.log", "dangling.log"] {
            let text = error(folder.at(name));
            assert!(
                text.contains("symbolic link") && text.contains("`Console::stdout()`"),
                "{text}"
            );
        }
        assert!(error(folder.at("hard.log")).contains("hard link"));
        assert!(!folder.at("missing").exists());
        assert_eq!(fs::read(folder.at("victim")).unwrap(), b"precious");
    }

    #[test]
    fn a_pipe_is_refused_without_waiting_for_its_reader() {
        let folder = Folder::new("pipe");
        let made = std::process::Command::new("mkfifo").arg(folder.at("pipe.log")).status();
        assert!(made.unwrap().success());
        let text = error(folder.at("pipe.log"));
        assert!(text.contains("it is a pipe, socket or device"), "{text}");
        // With a reader the open succeeds, and the check on the open file refuses it.
        let mut both = fs::OpenOptions::new();
        let _reader = both.read(true).write(true).open(folder.at("pipe.log")).unwrap();
        assert!(error(folder.at("pipe.log")).contains("it is a pipe, socket or device"));
        assert!(error("/dev/null").contains("it is a pipe, socket or device"));
    }

    #[test]
    fn a_file_of_another_user_is_refused() {
        let folder = Folder::new("owner");
        let path = folder.at("app.log");
        fs::write(&path, "").unwrap();
        // Only root can give files away; other users cannot make this case.
        if std::os::unix::fs::chown(&path, Some(12345), None).is_ok() {
            let text = error(&path);
            assert!(text.contains("belongs to another user") && text.contains("chown"), "{text}");
        }
    }
}

#[test]
fn only_our_own_tail_is_cut_back() {
    let folder = Folder::new("cut");
    let path = folder.at("app.log");
    let mut disk = Disk::new(&path, 0o600, "lock".into()).unwrap();
    let mut file: LiveFile = disk.open_first().unwrap();
    file.append(b"whole\nha", true).unwrap();
    assert!(file.cut_back(2));
    assert_eq!(fs::read(&path).unwrap(), b"whole\n");
    file.append(b"ha", true).unwrap();
    let mut neighbour = fs::OpenOptions::new().append(true).open(&path).unwrap();
    std::io::Write::write_all(&mut neighbour, b"theirs\n").unwrap();
    assert!(!file.cut_back(2));
    assert_eq!(fs::read(&path).unwrap(), b"whole\nhatheirs\n");
}

/// A disk with scripted writes, and cuts that may fail.
fn faulty(cuts: bool, steps: impl IntoIterator<Item = Step>) -> (Fake, FileSink<Fake>) {
    let fake = Fake::new();
    fake.let_cut(cuts);
    fake.script(steps);
    let sink = fake.sink(&Rotate::on_demand(), &Archive::numbered(), Keep::all());
    (fake, sink)
}

fn full() -> Step {
    Step::Fail(io::ErrorKind::StorageFull)
}

#[test]
fn short_and_interrupted_writes_go_on_where_they_stopped() {
    let (fake, mut sink) = faulty(true, [Step::Take(1), Step::Fail(io::ErrorKind::Interrupted)]);
    write(&mut sink, &["a\n", "b\n"]).unwrap();
    assert_eq!(fake.text("app.log"), "a\nb\n");
}

#[test]
fn when_the_disk_fills_up_the_half_record_is_cut_off_and_the_whole_ones_count() {
    let (fake, mut sink) = faulty(true, [Step::Take(5), full()]);
    assert_eq!(write(&mut sink, &["aa\n", "bb\n", "cc\n"]).unwrap_err().written, 1);
    assert_eq!(fake.text("app.log"), "aa\n");
    write(&mut sink, &["dd\n"]).unwrap();
    assert_eq!(fake.text("app.log"), "aa\ndd\n");
}

#[test]
fn a_half_record_that_cannot_be_cut_off_is_ended_before_the_next() {
    // The newline is tried twice: before the file might be rotated, and before the record.
    let (fake, mut sink) = faulty(false, [Step::Take(4), full(), full(), full()]);
    assert_eq!(write(&mut sink, &["aa\n", "bb\n"]).unwrap_err().written, 1);
    assert_eq!(write(&mut sink, &["cc\n"]).unwrap_err().written, 0, "still full");
    write(&mut sink, &["dd\n"]).unwrap();
    assert_eq!(fake.text("app.log"), "aa\nb\ndd\n");
}

#[test]
fn after_a_failed_sync_the_file_is_opened_again_and_none_is_called_a_success() {
    let (fake, mut sink) = faulty(true, []);
    sink.sync().unwrap();
    let opened = fake.opened();
    fake.fail_sync(io::ErrorKind::QuotaExceeded);
    assert!(sink.sync().is_err());
    assert_eq!(fake.opened(), opened + 1);
    for _ in 0..3 {
        let again = sink.sync().unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::QuotaExceeded);
        assert!(again.to_string().contains("an earlier sync failed"), "{again}");
    }
    write(&mut sink, &["a\n"]).unwrap();
    assert_eq!(fake.text("app.log"), "a\n");
}
