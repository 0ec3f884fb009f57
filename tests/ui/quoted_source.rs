fn main() {
    let (v, x) = ([1], 1);
    nexlog::info!("paid", v[0]);
    nexlog::info!("paid", &x);
    nexlog::info!("paid", env!("PATH"));
}
