use nexlog::instrument;

#[instrument(future)]
fn number() -> u8 {
    1
}

#[instrument(future, ret, err)]
fn result() -> Result<String, std::fmt::Error> {
    Ok(String::new())
}

#[instrument(future)]
fn not_boxed() -> std::future::Ready<u8> {
    std::future::ready(1)
}

#[instrument(future, elapsed)]
fn generic<T>(value: T) -> T {
    value
}

fn main() {}
