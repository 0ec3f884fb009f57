fn main() {
    struct User { id: u64 }
    let user = User { id: 1 };
    nexlog::info!("paid by {user.id}");
}
