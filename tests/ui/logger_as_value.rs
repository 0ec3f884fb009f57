fn paid(log: &nexlog::Logger) {
    nexlog::info!(log, "paid"; "order" => 1);
}

fn main() {}
