-- Two databases, each owned by the role of its service, which signs in with the password of its secret; the vector extension
-- where it is needed.
\set expert_password `cat /run/secrets/expert_password`
\set ai_manager_password `cat /run/secrets/ai_manager_password`
create role expert login password :'expert_password';
create role ai_manager login password :'ai_manager_password';
create database expert owner expert;
create database ai_manager owner ai_manager;
revoke connect on database expert, ai_manager from public;
\connect expert
create extension if not exists vector;
