use nexlog::instrument;

#[instrument]
const fn double(number: u8) -> u8 {
    number * 2
}

fn main() {}
