{{- /* What operator and server have in common. Each takes (dict "root" $ "component" "operator" "of" .Values), where `of`
       is the part of the values that is this component's. */ -}}

{{- /* One map added to another as Helm adds values to a chart's: (list $more $to). `merge` takes a `false` for nothing said. */ -}}
{{- define "mlrollout.added" -}}
{{- $found := deepCopy (index . 1 | default dict) -}}
{{- range $name, $value := index . 0 -}}
{{- $before := get $found $name -}}
{{- if kindIs "invalid" $value -}}
{{- $_ := unset $found $name -}}
{{- else if and (kindIs "map" $value) (kindIs "map" $before) -}}
{{- $_ := set $found $name (include "mlrollout.added" (list $value $before) | fromYaml) -}}
{{- else -}}
{{- $_ := set $found $name $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{- define "mlrollout.podMetadata" -}}
labels:
  {{- $labels := include "mlrollout.labels" (list .root .component) | fromYaml }}
  {{- toYaml (merge (deepCopy .of.podLabels) $labels) | nindent 2 }}
{{- with merge (deepCopy .of.podAnnotations) (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "mlrollout.podFields" -}}
{{- with concat .root.Values.imagePullSecrets (((.root.Values.global).imagePullSecrets) | default list) }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "mlrollout.added" (list .of.podSecurityContext .root.Values.podSecurityContext) | nindent 2 }}
{{- with .of.topologySpreadConstraints }}
topologySpreadConstraints:
{{- range . }}
- {{- $selector := dict "matchLabels" (include "mlrollout.selector" (list $.root $.component) | fromYaml) }}
  {{- toYaml (hasKey . "labelSelector" | ternary . (merge (dict "labelSelector" $selector) .)) | nindent 2 }}
{{- end }}
{{- end }}
{{- with .of.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
terminationGracePeriodSeconds: {{ .of.terminationGracePeriodSeconds }}
{{- end -}}

{{- define "mlrollout.containerFields" -}}
image: {{ include "mlrollout.image" .root | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
livenessProbe:
  httpGet: {path: /livez, port: http}
  {{- toYaml .of.livenessProbe | nindent 2 }}
readinessProbe:
  httpGet: {path: /readyz, port: http}
  {{- toYaml .of.readinessProbe | nindent 2 }}
resources:
  {{- toYaml .of.resources | nindent 2 }}
securityContext:
  {{- include "mlrollout.added" (list .of.containerSecurityContext .root.Values.containerSecurityContext) | nindent 2 }}
{{- end -}}

{{- /* Arguments for the log. An image of an older version knows no --log-level. */ -}}
{{- define "mlrollout.logArgs" -}}
{{- if eq .of.logging.format "text" }}
- --text
{{- end }}
{{- if ne .of.logging.level "info" }}
- --log-level={{ .of.logging.level }}
{{- end }}
{{- end -}}

{{- define "mlrollout.redisMounts" -}}
{{- if .of.redis.existingSecret }}
- {name: redis, mountPath: /etc/mlrollout/redis, readOnly: true}
{{- end }}
{{- if .of.redis.tls.existingSecret }}
- {name: redis-tls, mountPath: /etc/mlrollout/redis-tls, readOnly: true}
{{- end }}
{{- end -}}

{{- define "mlrollout.redisVolumes" -}}
{{- with .of.redis.existingSecret }}
- name: redis
  secret:
    secretName: {{ . }}
    defaultMode: 0440
    items:
    - {key: {{ $.of.redis.key | quote }}, path: url}
{{- end }}
{{- with .of.redis.tls.existingSecret }}
- name: redis-tls
  secret:
    secretName: {{ . }}
    defaultMode: 0440
    items:
    {{- range $key, $path := include "mlrollout.redisTls" $ | fromYaml }}
    - {key: {{ $path | quote }}, path: {{ $key }}}
    {{- end }}
{{- end }}
{{- end -}}

{{- /* The files for TLS that there are: what they are, and their keys in the Secret. */ -}}
{{- define "mlrollout.redisTls" -}}
{{- with .of.redis.tls }}
{{- if .existingSecret }}
{{- with .caKey }}
ca: {{ . | quote }}
{{- end }}
{{- with .certificateKey }}
certificate: {{ . | quote }}
{{- end }}
{{- with .keyKey }}
key: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* A budget for disruptions: (dict "root" $ "component" … "of" … "name" …). */ -}}
{{- define "mlrollout.disruptionBudget" -}}
{{- with .of.podDisruptionBudget }}
{{- if .enabled }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "mlrollout.metadata" (merge (dict "namespace" $.root.Release.Namespace) $) | nindent 2 }}
spec:
  {{- if eq (toString .minAvailable) "" }}
  maxUnavailable: {{ eq (toString .maxUnavailable) "" | ternary 1 .maxUnavailable }}
  {{- else }}
  minAvailable: {{ .minAvailable }}
  {{- end }}
  # A pod that never gets ready must not keep a node from being drained.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "mlrollout.selector" (list $.root $.component) | nindent 6 }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* The port of a component's own Prometheus; nothing where it has none. */ -}}
{{- define "mlrollout.prometheusPort" -}}
{{- $address := .root.Values.prometheus.address -}}
{{- if eq .component "server" -}}
{{- $address = tpl (toString (.root.Values.server.config.prometheus | default "")) .root -}}
{{- end -}}
{{- with $address -}}
{{- $said := regexFind ":[0-9]+$" (urlParse .).host | trimPrefix ":" -}}
{{- $said | default (hasPrefix "https:" . | ternary 443 80) -}}
{{- end -}}
{{- end -}}

{{- /* What may come to and go from the pods: (dict "root" $ "component" … "name" … "from" peers "egress" names). */ -}}
{{- define "mlrollout.networkPolicy" -}}
{{- with .root.Values.networkPolicy }}
{{- if .enabled }}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "mlrollout.metadata" (merge (dict "namespace" $.root.Release.Namespace) $) | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "mlrollout.selector" (list $.root $.component) | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
  - ports:
    - {port: http, protocol: TCP}
    {{- with $.from }}
    from:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  egress:
  {{- range $name := $.egress }}
  {{- with get $.root.Values.networkPolicy.egress $name }}
  {{- if .ports }}
  # {{ $name }}
  - ports:
    {{- $ports := .ports }}
    {{- if eq $name "prometheus" }}
    {{- with include "mlrollout.prometheusPort" $ }}
    {{- $ports = append $ports . }}
    {{- end }}
    {{- end }}
    {{- range $ports | toStrings | uniq }}
    - {port: {{ . }}, protocol: TCP}
    {{- if eq $name "dns" }}
    - {port: {{ . }}, protocol: UDP}
    {{- end }}
    {{- end }}
    {{- with .to }}
    to:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  {{- end }}
  {{- end }}
  {{- end }}
  {{- with .egress.extra }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* What the operator's Prometheus is shown: the file, and its key in the Secret. */ -}}
{{- define "mlrollout.prometheusAuth" -}}
{{- with .Values.prometheus.auth }}
{{- if .existingSecret }}
{{- range $file := tuple "token" "username" "password" "headers" "ca" "certificate" "key" }}
{{- with get $.Values.prometheus.auth (printf "%sKey" $file) }}
{{ $file }}: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "mlrollout.prometheusMounts" -}}
{{- if .Values.prometheus.auth.existingSecret }}
- {name: prometheus-auth, mountPath: /etc/mlrollout/prometheus, readOnly: true}
{{- end }}
{{- end -}}

{{- define "mlrollout.prometheusVolumes" -}}
{{- with .Values.prometheus.auth.existingSecret }}
- name: prometheus-auth
  secret:
    secretName: {{ . }}
    defaultMode: 0440
    items:
    {{- range $file, $key := include "mlrollout.prometheusAuth" $ | fromYaml }}
    - {key: {{ $key | quote }}, path: {{ $file }}}
    {{- end }}
{{- end }}
{{- end -}}
