fn main() {
    let password = "hunter2";
    nexlog::info!("login {password:?}", password = secret(password));
}
