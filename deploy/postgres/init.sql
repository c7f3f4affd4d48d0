-- Two databases, each owned by the role of its service; the vector extension where it is needed.
create role expert login;
create role ai_manager login;
create database expert owner expert;
create database ai_manager owner ai_manager;
\connect expert
create extension if not exists vector;
