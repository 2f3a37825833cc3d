# SPDX-License-Identifier: GPL-2.0-or-later
sqlite3 data.db <<'S'
create table t(n integer primary key, word text);
with recursive c(n) as (select 1 union all select n + 1 from c where n < 2000)
insert into t select n, 'word ' || n from c;
create index w on t(word);
select count(*), max(n) from t;
S
sqlite3 wal.db 'pragma journal_mode=wal; create table t(n);' # shared memory beside the file
for writer in 1 2 3 4; do
    sqlite3 -cmd '.timeout 20000' wal.db "insert into t values($writer)" &
done
wait
sqlite3 wal.db 'select group_concat(n) from (select n from t order by n)'
sqlite3 data.db 'begin; delete from t where n > 1000; rollback; select count(*) from t; vacuum'
sqlite3 data.db "attach 'other.db' as o; create table o.u as select * from t where n < 10"
sqlite3 data.db .dump | tail -n 1
sqlite3 data.db "pragma temp_store=file; select count(*) from (select * from t order by word)"
