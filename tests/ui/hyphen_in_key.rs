fn main() {
    nexlog::info!("paid", user-agent = 1);
    nexlog::info!("paid"; user-agent => 1);
    nexlog::info!("paid", user-agent: 1);
}
