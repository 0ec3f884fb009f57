#[derive(nexlog::Value)]
union Bits {
    whole: u32,
    parts: [u8; 4],
}

fn main() {
    nexlog::info!("m", bits = Bits { whole: 1 });
}
