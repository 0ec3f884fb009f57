//! `init` in tests that know nothing else of nexlog. A process of its own.

#[test]
fn init_passes() {
    nexlog::testing::init();
    nexlog::info!("said by init_passes");
}

#[test]
fn init_fails() {
    nexlog::testing::init();
    nexlog::testing::init();
    nexlog::info!("said by init_fails");
    let thread = std::thread::spawn(|| nexlog::warn!("said by a thread of init_fails"));
    thread.join().unwrap();
    panic!("as it should");
}

#[test]
fn nothing_fails() {
    nexlog::testing::init();
    assert!(nexlog::set_filter("debug,silent=off").is_ok());
    nexlog::error!(target("silent"), "said in vain");
    panic!("as it should");
}
