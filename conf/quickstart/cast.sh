# The cast of the demonstration: ZooKeeper, backends, agents, the proxy. Part of quickstart.sh.
#
# Uses: weir, folder, zk_path, and what processes.sh has.

launch_zookeeper() {
  local dir=$folder/zookeeper
  rm -rf "$dir"
  mkdir -p "$dir/data"
  cat >"$dir/zoo.cfg" <<END
tickTime=200
dataDir=$dir/data
clientPortAddress=127.0.0.1
clientPort=${ports[zookeeper]}
admin.enableServer=false
4lw.commands.whitelist=ruok
maxClientCnxns=0
minSessionTimeout=400
maxSessionTimeout=60000
END
  # Small and quick to start. slf4j-simple: without it there is no log; the main jar's manifest names the other jars.
  start zookeeper java -Xms32m -Xmx96m -Xss256k -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:CICompilerCount=1 \
    -Djava.net.preferIPv4Stack=true -Dzookeeper.jmx.log4j.disable=true -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
    -Dorg.slf4j.simpleLogger.showDateTime=true -cp /usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar \
    org.apache.zookeeper.server.ZooKeeperServerMain "$dir/zoo.cfg"
}

zookeeper_serves() {  # PORT
  local answer
  answer=$( (
    exec 3<>"/dev/tcp/127.0.0.1/$1" && printf ruok >&3 && timeout 2 cat <&3
  ) 2>/dev/null)
  [ "$answer" = imok ]
}

launch_backend() {  # NAME
  mkdir -p "$folder/$1/conf" "$folder/$1/logs"
  cat >"$folder/$1/conf/weir.conf" <<END
daemon off;
events {}
http {
    access_log off;
    server {
        listen 127.0.0.1:${ports[$1]};
        return 200 "hello from $1\n";
    }
}
END
  start "$1" "$weir" -p "$folder/$1"
}

launch_agent() {  # NUMBER
  start "agent$1" "$weir" agent --zk "127.0.0.1:${ports[zookeeper]}" --path $zk_path \
    --address "127.0.0.1:${ports[backend$1]}" --check tcp --check-interval 500ms --drain 1s --session 4s
}

launch_proxy() {
  mkdir -p "$folder/proxy/conf" "$folder/proxy/logs"
  cat >"$folder/proxy/conf/weir.conf" <<END
daemon off;
worker_processes auto;
error_log logs/error.log notice;
events {}
http {
    log_format demo '\$remote_addr "\$request" \$status from \$upstream_addr in \$request_time s';
    access_log logs/access.log demo;

    upstream backend {
        zk_cluster 127.0.0.1:${ports[zookeeper]};
        least_conn;
    }
    server {
        listen 127.0.0.1:${ports[proxy]};
        location / {
            proxy_pass http://backend;
        }
    }
}
END
  start proxy "$weir" -p "$folder/proxy"
}

zk_ls() { "$weir" zk ls --zk "127.0.0.1:${ports[zookeeper]}" --path $zk_path 2>/dev/null; }
set_weight() {  # NUMBER WEIGHT
  "$weir" zk set-weight --zk "127.0.0.1:${ports[zookeeper]}" --path $zk_path --address "127.0.0.1:${ports[backend$1]}" \
    --weight "$2"
}
members_are() { [ "$(zk_ls | grep -c '^member ')" = "$1" ]; }  # COUNT
