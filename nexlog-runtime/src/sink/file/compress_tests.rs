//! Compressing while files are renamed, deleted and written, and a death after any step.

use std::process::{Command, Stdio};

use super::super::fake::{Fake, write};
use super::super::{Archive, Keep, Rotate};
use super::*;

fn packer(fake: &Fake, archive: &Archive) -> Packer<Fake> {
    let names = Names::new(OsStr::new("app.log"), archive, jiff::tz::TimeZone::UTC).unwrap();
    let (system, compression) = (fake.clone(), compressions()[0].0);
    Packer { system, names, compression, changed: Arc::default() }
}

/// Each with a program that reads it.
fn compressions() -> Vec<(Compression, &'static [&'static str])> {
    vec![
        #[cfg(feature = "gzip")]
        (Compression::Gzip, &["gzip", "-dc"]),
        #[cfg(feature = "zstd")]
        (Compression::Zstd, &["zstd", "-dcq"]),
    ]
}

fn read_with(program: &[&str], packed: &[u8]) -> Option<Vec<u8>> {
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().ok()?;
    let mut stdin = child.stdin.take().unwrap();
    let packed = packed.to_vec();
    let writer = thread::spawn(move || stdin.write_all(&packed));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    Some(output.stdout)
}

#[test]
fn the_usual_programs_read_it() {
    let text: Vec<u8> = (0..300_000_u32).flat_map(|n| format!("{n}\n").into_bytes()).collect();
    for (compression, program) in compressions() {
        let mut packed = Vec::new();
        let copied = compression.copy(&mut &text[..], &mut packed, &|| false).unwrap();
        assert_eq!(copied, Some(text.len() as u64));
        assert!(packed.len() < text.len() / 2);
        if let Some(read) = read_with(program, &packed) {
            assert_eq!(read, text);
        }
        assert_eq!(compression.copy(&mut &text[..], &mut Vec::new(), &|| true).unwrap(), None);
    }
}

/// All records, of plain and compressed files.
fn all_lines(fake: &Fake) -> Vec<String> {
    let mut lines = Vec::new();
    for name in fake.names().into_iter().filter(|name| !name.starts_with('.')) {
        let mut bytes = fake.bytes(&name);
        if name.ends_with(Ending::Gzip.text()) || name.ends_with(Ending::Zstd.text()) {
            bytes = unpack(&bytes);
        }
        lines.extend(String::from_utf8(bytes).unwrap().lines().map(str::to_owned));
    }
    lines.sort_unstable();
    lines
}

#[cfg(feature = "gzip")]
fn unpack(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut out).unwrap();
    out
}

#[cfg(not(feature = "gzip"))]
fn unpack(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::decode_all(bytes).unwrap()
}

fn fill(fake: &Fake, archive: &Archive, records: std::ops::Range<usize>) {
    let mut sink = fake.sink(&Rotate::size(64), archive, Keep::all());
    for number in records {
        write(&mut sink, &[&format!("{number:<40}\n")]).unwrap();
    }
}

fn expected(records: usize) -> Vec<String> {
    let mut lines: Vec<String> = (0..records).map(|number| format!("{number:<40}")).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn every_archive_is_compressed_and_keeps_its_time() {
    let fake = Fake::new();
    fill(&fake, &Archive::sequence(), 0..10);
    let written = fake.look("app.log.000001".as_ref()).unwrap().unwrap().modified;
    fake.pass(1000);
    packer(&fake, &Archive::sequence()).pack_all(&|| false).unwrap();
    let names: Vec<String> = fake.names();
    assert!(names.iter().all(|name| name == "app.log" || name.contains(".log.0000")), "{names:?}");
    assert_eq!(
        names.iter().filter(|name| name.ends_with("gz") || name.ends_with("zst")).count(),
        9
    );
    let packed = names.iter().find(|name| name.starts_with("app.log.000001")).unwrap();
    assert_eq!(fake.look(packed.as_ref()).unwrap().unwrap().modified, written);
    assert_eq!(all_lines(&fake), expected(10));
}

/// A kill after any step, then a new start: nothing lost, nothing twice, nothing left over.
#[test]
fn death_while_compressing_loses_nothing_and_doubles_nothing() {
    for archive in [Archive::numbered(), Archive::sequence(), Archive::dated("a-%Y.log")] {
        for steps in 0..60 {
            let fake = Fake::new();
            fill(&fake, &archive, 0..6);
            fake.die_after(Some(steps));
            let _ = packer(&fake, &archive).pack_all(&|| false);
            fake.die_after(None);
            fake.break_lock();
            fill(&fake, &archive, 6..9);
            assert_eq!(all_lines(&fake), expected(9), "{archive:?} {steps}");
            let hidden: Vec<_> =
                fake.names().into_iter().filter(|name| name.starts_with('.')).collect();
            assert!(hidden.is_empty(), "{hidden:?}");
            packer(&fake, &archive).pack_all(&|| false).unwrap();
            assert_eq!(all_lines(&fake), expected(9), "{archive:?} {steps}");
        }
    }
}

/// Rotation goes on between any two steps of the compressor.
#[test]
fn an_archive_that_is_renamed_meanwhile_keeps_its_content() {
    let fake = Fake::new();
    fill(&fake, &Archive::numbered(), 0..6);
    let mut packer = packer(&fake, &Archive::numbered());
    for keep in [Keep::all(), Keep::files(2)] {
        let mut sink = fake.sink(&Rotate::size(64), &Archive::numbered(), keep);
        let written = core::cell::Cell::new(6);
        let sink = core::cell::RefCell::new(&mut sink);
        let rotate = || {
            let number = written.get();
            if number < 40 {
                write(*sink.borrow_mut(), &[&format!("{number:<40}\n")]).unwrap();
                written.set(number + 1);
            }
            false
        };
        packer.pack_all(&rotate).unwrap();
        if keep == Keep::all() {
            assert_eq!(all_lines(&fake), expected(written.get()));
            assert!(written.get() > 12, "rotation went on meanwhile");
        }
        let hidden = fake.names().into_iter().filter(|name| name.starts_with('.'));
        assert_eq!(hidden.count(), 0);
    }
    assert_eq!(fake.names().len(), 3);
}

#[test]
fn an_archive_that_is_still_written_stays_as_it_is() {
    let fake = Fake::new();
    fake.put("app.log.1", "a\n");
    let is_first = core::cell::Cell::new(true);
    packer(&fake, &Archive::numbered())
        .pack_all(&|| {
            if !is_first.replace(false) && fake.text("app.log.1") == "a\n" {
                fake.append("app.log.1", "b\n");
            }
            false
        })
        .unwrap();
    assert_eq!(all_lines(&fake), ["a", "b"]);
}
