use nexlog::instrument;

#[instrument(args, ret)]
fn mismatched(id: u8) -> u16 {
    id
}

#[instrument]
fn without_tail(id: u8) -> u8 {
    id + 1;
}

#[instrument(err)]
async fn unknown_name() -> Result<u8, std::fmt::Error> {
    let total = 1;
    Ok(totl)
}

#[instrument]
async fn question_mark() -> Result<u8, std::fmt::Error> {
    let number: u8 = "1".parse()?;
    Ok(number)
}

fn main() {}
