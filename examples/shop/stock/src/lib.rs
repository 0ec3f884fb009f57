//! What the shop has. Logs through the facade `log`, with key-values.

use sqlx::{Row, SqlitePool};

/// Makes the table and puts something on the shelves.
pub async fn open() -> Result<SqlitePool, sqlx::Error> {
    let pool = SqlitePool::connect("sqlite::memory:").await?;
    sqlx::query("CREATE TABLE stock (item INTEGER PRIMARY KEY, count INTEGER NOT NULL)")
        .execute(&pool)
        .await?;
    for item in 1..=9_i64 {
        sqlx::query("INSERT INTO stock VALUES (?, 3)").bind(item).execute(&pool).await?;
    }
    log::info!(items = 9_u64, source = "seed"; "shelves filled");
    Ok(pool)
}

/// Takes one item; how many are left, or `None` when there was none.
pub async fn take(pool: &SqlitePool, item: i64) -> Result<Option<i64>, sqlx::Error> {
    let left = sqlx::query("UPDATE stock SET count = count - 1 WHERE item = ? AND count > 0 RETURNING count")
        .bind(item)
        .fetch_optional(pool)
        .await?
        .map(|row| row.get::<i64, _>(0));
    match left {
        Some(left) => log::info!(item = item, left = left; "item {item} taken"),
        None => log::warn!(item = item; "item {item} is out"),
    }
    Ok(left)
}
