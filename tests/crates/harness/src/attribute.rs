//! `#[nexlog::test]` in every combination. Each says its own name in a record.

use std::time::Duration;

#[nexlog::test]
fn sync_passes() {
    nexlog::info!("said by sync_passes");
}

#[nexlog::test]
fn sync_fails() {
    nexlog::debug!("said by sync_fails", order_id = 7);
    nexlog::trace!("too low by default");
    std::thread::spawn(|| nexlog::info!("said by a thread of sync_fails")).join().unwrap();
    panic!("as it should");
}

#[nexlog::test(filter = "warn,deep=trace")]
fn filter_fails() {
    nexlog::info!("not wanted by filter_fails");
    nexlog::trace!(target("deep"), "wanted by filter_fails");
    panic!("as it should");
}

#[nexlog::test]
fn result_fails() -> Result<(), std::num::ParseIntError> {
    nexlog::info!("said by result_fails");
    let _: u32 = "x".parse()?;
    Ok(())
}

#[nexlog::test]
fn result_passes() -> Result<(), std::num::ParseIntError> {
    nexlog::info!("said by result_passes");
    let _: u32 = "1".parse()?;
    Ok(())
}

#[nexlog::test]
#[should_panic(expected = "as it should")]
fn should_panic_passes() {
    nexlog::info!("said by should_panic_passes");
    panic!("as it should");
}

#[nexlog::test]
#[ignore = "to be left out"]
fn ignored() {
    panic!("it runs");
}

#[nexlog::test]
async fn async_alone_fails() -> Result<(), String> {
    async { nexlog::info!("said by async_alone_fails") }.await;
    Err(String::from("as it should"))
}

#[nexlog::test]
#[tokio::test]
async fn above_tokio_fails() {
    tokio::time::sleep(Duration::from_millis(1)).await;
    nexlog::info!("said by above_tokio_fails");
    panic!("as it should");
}

#[tokio::test]
#[nexlog::test(filter = "debug")]
async fn below_tokio_fails() {
    tokio::time::sleep(Duration::from_millis(1)).await;
    nexlog::debug!("said by below_tokio_fails");
    panic!("as it should");
}

#[nexlog::test]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads_of_tokio_fail() {
    let task = tokio::spawn(async { nexlog::info!("said by a task of threads_of_tokio_fail") });
    task.await.unwrap();
    panic!("as it should");
}

#[nexlog::test]
#[test]
fn above_test_fails() {
    nexlog::info!("said by above_test_fails");
    panic!("as it should");
}

#[nexlog::test]
fn captures_fail() {
    let records = nexlog::testing::capture();
    nexlog::info!("said by captures_fail");
    assert_eq!(records.len(), 1);
    panic!("as it should");
}
