-- Two databases, each owned by the role of its service, which signs in with the password of the environment; the vector
-- extension where it is needed.
\getenv expert_password EXPERT_PASSWORD
\getenv ai_manager_password AI_MANAGER_PASSWORD
create role expert login password :'expert_password';
create role ai_manager login password :'ai_manager_password';
create database expert owner expert;
create database ai_manager owner ai_manager;
\connect expert
create extension if not exists vector;
