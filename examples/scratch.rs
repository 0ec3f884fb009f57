use nexlog::*;
use std::time::{Duration, Instant};
fn main() -> Result<(), nexlog::Error> {
    let mode = match std::env::args().nth(1).as_deref() { Some("b") => Mode::Buffered, Some("w") => Mode::Background, _ => Mode::Immediate };
    let n: u64 = std::env::args().nth(2).map_or(10, |n| n.parse().unwrap());
    nexlog::warn!("early {x}", x = 3);
    let log = nexlog::builder().console(Console::stderr()).file(File::at("/tmp/x/app.log").filter("info")).sink(Output::to(Null).filter("off")).mode(mode).install()?;
    let _ = log;
    let t = Instant::now();
    for i in 0..n {
        if n <= 10 { nexlog::info!("request served {i}", status = 200u16, took = 1.5f64, path = "/index/of/things", ok = true); } 
    }
    nexlog::error!("oops", e = err(&"x".parse::<u32>().unwrap_err()), s = secret(3), d = debug(Some(2)), list = vec![1, 2]);
    println!("{:?} per call", t.elapsed() / n as u32);
    nexlog::flush(Duration::from_secs(5))?;
    println!("{:#?}", nexlog::stats());
    Ok(())
}
struct Null;
impl Sink for Null { fn write(&mut self, _: &Batch<'_>) -> Result<(), WriteError> { Ok(()) } }
