//! Files that others rename, delete and truncate.

use super::super::fake::{Fake, write};
use super::super::{Archive, Keep, Rotate};
use super::*;
use crate::sink::Sink;

/// A sink that takes the lock for each batch, or one that looks once a second.
fn sink(fake: &Fake, is_managed: bool) -> FileSink<Fake> {
    let mut sink = fake.sink(&Rotate::on_demand(), &Archive::numbered(), Keep::all());
    sink.rules.is_managed = is_managed;
    sink
}

#[test]
fn a_file_that_is_gone_is_made_again_within_a_second_and_not_at_once() {
    for is_managed in [false, true] {
        let fake = Fake::new();
        let mut sink = sink(&fake, is_managed);
        write(&mut sink, &["a\n"]).unwrap();
        fake.rename("app.log".as_ref(), "app.log.old".as_ref()).unwrap();
        write(&mut sink, &["b\n"]).unwrap();
        assert_eq!(fake.text("app.log.old"), "a\nb\n");
        assert!(!fake.names().contains(&"app.log".to_owned()), "logrotate wants to make it");
        fake.pass(1);
        write(&mut sink, &["c\n"]).unwrap();
        assert_eq!(
            (fake.text("app.log.old"), fake.text("app.log")),
            ("a\nb\n".into(), "c\n".into())
        );
    }
}

#[test]
fn a_file_that_another_has_made_is_used() {
    for is_managed in [false, true] {
        let fake = Fake::new();
        let mut sink = sink(&fake, is_managed);
        write(&mut sink, &["a\n"]).unwrap();
        fake.rename("app.log".as_ref(), "app.log.old".as_ref()).unwrap();
        fake.put("app.log", "");
        fake.pass(u32::from(!is_managed));
        write(&mut sink, &["b\n"]).unwrap();
        assert_eq!(fake.text("app.log"), "b\n");
    }
}

#[test]
fn reopening_is_at_once() {
    let fake = Fake::new();
    let mut sink = sink(&fake, false);
    write(&mut sink, &["a\n"]).unwrap();
    fake.rename("app.log".as_ref(), "app.log.old".as_ref()).unwrap();
    sink.reopen().unwrap();
    assert_eq!(fake.text("app.log"), "");
    write(&mut sink, &["b\n"]).unwrap();
    assert_eq!(fake.text("app.log"), "b\n");
}

#[test]
fn a_link_in_its_place_is_not_followed_and_the_old_file_goes_on() {
    let fake = Fake::new();
    let mut sink = sink(&fake, true);
    write(&mut sink, &["a\n"]).unwrap();
    fake.rename("app.log".as_ref(), "app.log.old".as_ref()).unwrap();
    fake.put_link("app.log");
    let failed = write(&mut sink, &["b\n"]).unwrap_err();
    assert_eq!(failed.written, 1, "no record is lost");
    write(&mut sink, &["c\n"]).unwrap();
    assert_eq!(fake.text("app.log.old"), "a\nb\nc\n");
    fake.remove("app.log".as_ref()).unwrap();
    fake.pass(1);
    write(&mut sink, &["d\n"]).unwrap();
    assert_eq!(fake.text("app.log"), "d\n");
}

#[test]
fn a_truncated_file_is_filled_from_its_beginning() {
    let fake = Fake::new();
    let mut sink = fake.sink(&Rotate::size(100), &Archive::numbered(), Keep::all());
    write(&mut sink, &[&format!("{:<80}\n", "a")]).unwrap();
    fake.truncate("app.log");
    write(&mut sink, &[&format!("{:<80}\n", "b")]).unwrap();
    assert_eq!(fake.text("app.log"), format!("{:<80}\n", "b"), "and there was no need to rotate");
    assert!(!fake.names().contains(&"app.log.1".to_owned()));
}
