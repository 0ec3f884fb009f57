fn main() {
    let x = 1;
    nexlog::info!("paid {x:zz}");
}
